"""The longer parts of `make gpu-check`, tried on the CPU."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from tests.support import gpu_check


def test_a_killed_run_and_a_worker_are_checked(rounds: Iterator[int], tmp_path: Path) -> None:
    pack = gpu_check.packed(tmp_path)
    for seed in rounds:
        found, [killed] = gpu_check.run("resume", pack, tmp_path / f"{seed}-resume.json")
        assert killed.met
        assert found["killed_apart"] < 1e-4  # a CPU repeats itself
        assert 0 < found["resumed_from"] < found["steps"]
        found, [worker] = gpu_check.run("worker", pack, tmp_path / f"{seed}-worker.json")
        assert worker.met
        assert found["device"] == "cpu"
