"""Training in two processes: every mechanism, and processes that are killed or stopped anywhere."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from ml.errors import MlError
from ml.train.events import Ready, Saved
from ml.train.start import train
from tests.support import networks as nets
from tests.support import two_processes as two


def test_two_processes_compute_what_one_does(tmp_path: Path, rounds: Iterator[int]) -> None:
    for seed in rounds:
        folder = tmp_path / str(seed)
        folder.mkdir()
        shared = two.computed(folder, nets.names(), seed)
        for mechanism in nets.names():
            two.check_gradients(shared, mechanism, seed)
        two.check_validation(shared, seed)


def test_killed_rank_then_stopped_then_finished(tmp_path: Path, rounds: Iterator[int]) -> None:
    """Twenty steps in four attempts; the first fails at an unreadable image."""
    for seed in rounds:
        rng = random.Random(seed)
        spec = two.run_of(tmp_path / str(seed), epochs=5, train=14, size=64)
        broken = rng.choice(spec.train.files)
        whole = broken.read_bytes()
        broken.write_bytes(b"\x89PNG\r\n\x1a\n cut off")
        with pytest.raises(MlError, match=f"{broken.name} cannot be read"):
            list(train(spec))
        broken.write_bytes(whole)

        killed, stopped = rng.randint(1, 4), rng.randint(5, 7)
        events = train(spec)
        two.until(events, Saved, killed)
        two.check_kill(events, rng.choice((0, -1)))

        events = train(spec)
        told = two.until(events, Saved, stopped)
        assert next(e.first_step for e in told if isinstance(e, Ready)) >= killed
        two.check_stop(spec, events)
        two.check_end(spec, list(train(spec)), least=stopped)
