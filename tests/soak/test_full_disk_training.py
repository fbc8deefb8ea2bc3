"""A training run whose disk is full several times ends like an uninterrupted one."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from ml.errors import MlError
from ml.train import resume
from ml.train.events import Step
from ml.train.spec import RunSpec
from ml.train.start import train
from tests.support import networks as nets
from tests.support import toy_images as toys
from tests.support.full_disk import room_for

TRIES = 5


def run_of(folder: Path) -> RunSpec:
    """Six steps from random weights, with a state saved after each."""
    data = toys.folder(folder / "data", train=12, val=5, size=64)
    config = replace(toys.QUICK, mechanism="cbam", start="scratch")
    return toys.run_of(data, folder, config, probes=(1, 7), save_seconds=0)


def test_a_full_disk_never_costs_more_than_the_steps_since_the_last_state(
    tmp_path: Path, rounds: Iterator[int]
) -> None:
    for seed in rounds:
        rng = random.Random(seed)
        with nets.narrowed():
            spec = run_of(tmp_path / str(seed))
            whole = replace(spec, folder=spec.folder / "whole", cache=spec.cache / "whole")
            undisturbed = list(train(whole))[-1]
            for _ in range(TRIES):
                _try_with_little_room(spec, rng)
            assert list(train(spec))[-1].about["checkpoint"] == undisturbed.about["checkpoint"]


def _try_with_little_room(spec: RunSpec, rng: random.Random) -> None:
    """Take some steps, then let no file grow beyond a size drawn between 10 kB and 10 MB."""
    events, path = train(spec), spec.folder / resume.NAME
    steps = rng.randint(0, 3)
    for event in events:
        if isinstance(event, Step):
            steps -= 1
        if steps < 0:
            break
    before = path.is_file()
    message = "disk is full"
    try:
        with room_for(int(10 ** rng.uniform(4, 7))):
            list(events)
    except MlError as error:
        message = error.detail
    assert "disk is full" in message
    assert path.is_file() or not before
    assert not list(spec.folder.glob("*.part*"))
