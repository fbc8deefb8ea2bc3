"""`make gpu-check`, tried on the CPU before a GPU sees it; its figures say nothing here."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from bench.gpu import maps, page, parts
from bench.gpu.__main__ import NO_GPU, main
from bench.gpu.setup import Result
from bench.report import PAGE
from ml.explain.results import Track
from tests.support import gpu_check

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return gpu_check.packed(tmp_path_factory.mktemp("gpu-check"))


@pytest.mark.parametrize("part", ["maps", "speed", "training"])
def test_a_part_runs(part: str, packed: Path, tmp_path: Path) -> None:
    """`tests/soak` tries the others."""
    found, lines = gpu_check.run(part, packed, tmp_path / "results.json")
    if part == "maps":
        assert all(line.met for line in lines)
        assert all(model["maps"] > 10 for model in found.values())


def test_without_a_gpu_nothing_is_measured(
    packed: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    results = tmp_path / "results.json"
    assert main(["check", str(packed), "--results", str(results)]) == NO_GPU
    assert "torch sees none here" in capsys.readouterr().out
    assert not results.exists()


def test_the_page_is_made_from_the_results() -> None:
    known = Path(parts.__file__).with_name("results.json")
    found: Result | None = json.loads(known.read_text()) if known.is_file() else None
    text = PAGE.read_text(encoding="utf-8")
    assert page.replaced(text, page.section(found)) == text
    other = page.replaced("# A\n\n## B\n\nb\n", page.section(None))
    assert other.startswith("# A\n\n## B\n\nb\n\n## On a GPU\n\n**Not measured**")
    again = page.replaced(f"{other}\n## C\n\nc\n", page.section(None))
    assert again == f"{other}\n## C\n\nc\n"


def test_a_part_that_fails_is_a_missed_line() -> None:
    known = {"about": parts.about("cpu"), "parts": {"maps": {"failed": "no: reason"}}}
    assert "failed: no: reason | it runs | **missed**" in page.section(known)


def test_a_difference_is_a_share_of_the_range() -> None:
    values = np.array([[[-1.0, 1.0]]], np.float32)
    track = Track("rgb", "late", "gradcam", "evidence", "features.18", values, np.zeros(1))
    moved = replace(track, values=values + np.float32(0.01))
    assert list(maps.apart((track,), (moved,))) == pytest.approx([0.005], rel=1e-3)
