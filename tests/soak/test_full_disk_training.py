"""A training run whose disk is full again and again ends as one that always had room."""

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
from ml.train.tasks.photos.data import list_folder
from tests.support import networks as nets
from tests.support import toy_images as toys
from tests.support.full_disk import room_for

TRIES = 5


def run_of(folder: Path) -> RunSpec:
    """Six steps from random weights, with a state saved after each."""
    data = toys.folder(folder / "data", train=12, val=5, size=64)
    (training, classes), (val, _) = list_folder(data / "train"), list_folder(data / "val")
    config = replace(toys.QUICK, mechanism="cbam", start="scratch")
    return RunSpec(
        config,
        classes,
        training,
        val,
        folder / "run",
        folder / "cache",
        "toys",
        "toys-24-10",
        probes=(1, 7),
        device="cpu",
        save_seconds=0,
    )


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
    before = path.read_bytes() if path.is_file() else None
    said = "disk is full"
    try:
        with room_for(int(10 ** rng.uniform(4, 7))):
            list(events)
    except MlError as error:
        said = error.detail
    assert "disk is full" in said
    kept = path.read_bytes() if path.is_file() else None
    assert before is None or kept is not None
    assert not list(spec.folder.glob("*.part*"))
