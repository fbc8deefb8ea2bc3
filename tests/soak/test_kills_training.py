"""A training run that is killed at random moments has the results of an uninterrupted one."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.backend import Server, celery_backend, local_backend
from tests.support.training import (
    TINY_CLIPS,
    add_clips,
    add_dataset,
    ends_as,
    kill_while_training,
    launched,
    train_undisturbed,
)

LONG = {"epochs": 12, "batch_size": 4, "size": 64, "eval_size": 64}
KILLS = 3  # a round
LEAST = 2  # of them hit the run


@pytest.mark.timeout(0)  # it ends when its minutes are used up
@pytest.mark.parametrize("queue", ["local", "celery"])
def test_kills_change_no_run(
    queue: str, postgres: str, tmp_path: Path, rounds: Iterator[int]
) -> None:
    home = tmp_path / "home"
    with local_backend(home) if queue == "local" else celery_backend(home, postgres) as server:
        _rounds(server, add_dataset(server), LONG, rounds)


@pytest.mark.timeout(0)
def test_kills_change_no_run_on_clips(tmp_path: Path, rounds: Iterator[int]) -> None:
    with local_backend(tmp_path / "home") as server:
        _rounds(server, add_clips(server), {**TINY_CLIPS, "epochs": 6}, rounds)


def _rounds(server: Server, dataset: str, config: dict[str, object], rounds: Iterator[int]) -> None:
    asked = {"mechanisms": ["gated"], "config": config}
    quiet = train_undisturbed(server, dataset, **asked)
    for seed in rounds:
        (run_id,) = launched(server, dataset, **asked)
        assert kill_while_training(server, run_id, KILLS, random.Random(seed)) >= LEAST
        ends_as(server, run_id, quiet)
