"""What a run is said to cost, and the learning rate that is suggested for it."""

from __future__ import annotations

import itertools
import math
import time
from dataclasses import replace
from pathlib import Path

import pytest

from ml.errors import MlError
from ml.train import estimate
from ml.train.spec import RunSpec
from ml.train.start import train
from tests.support import toy_images as toys

pytestmark = pytest.mark.usefixtures("narrow")


@pytest.fixture
def spec(narrow_weights: Path, tmp_path: Path) -> RunSpec:
    data = toys.folder(tmp_path / "data", train=40, val=20)
    config = replace(toys.QUICK, batch_size=16, epochs=4)
    return toys.run_of(data, tmp_path, config, weights=(narrow_weights,))


def written(spec: RunSpec) -> int:
    assert spec.cache is not None
    return sum(p.stat().st_size for f in (spec.folder, spec.cache) for p in f.rglob("*.*"))


@pytest.mark.parametrize("frozen", [0, 6])
def test_the_cost_is_about_what_the_run_takes(spec: RunSpec, frozen: int) -> None:
    spec = replace(spec, config=replace(spec.config, frozen_blocks=frozen))
    said = estimate.cost(spec, seconds=1)
    assert not spec.folder.exists()
    assert (said["steps"], said["batch_size"]) == (20, 16)
    assert said["images_per_s"] == pytest.approx(16 / said["seconds_per_step"])
    began = time.perf_counter()
    list(train(spec))
    took = time.perf_counter() - began
    assert took / 10 < said["seconds"] < took * 10  # other work shares the processor
    assert written(spec) * 0.9 < said["disk_bytes"] < written(spec) * 3


def test_a_batch_size_that_nobody_chose_is_said(spec: RunSpec) -> None:
    said = estimate.cost(replace(spec, config=replace(spec.config, batch_size=0)), seconds=0)
    assert said["batch_size"] == 8
    assert said["steps"] == 40


def test_a_range_test_rises_and_ends_where_it_blows_up(spec: RunSpec) -> None:
    spec = replace(spec, config=replace(spec.config, optimiser="sgd", new_lr_factor=5))
    points, shares = zip(*estimate.range_test(spec, steps=20), strict=True)
    rates = [p["lr"] for p in points]
    assert rates[0] == pytest.approx(estimate.LOWEST)
    assert all(b / a == pytest.approx(10 ** (6 / 19)) for a, b in itertools.pairwise(rates))
    assert list(shares) == [step / 20 for step in range(1, len(points) + 1)]
    assert all(math.isfinite(p["loss"]) for p in points)
    assert points[0]["loss"] == pytest.approx(math.log(2), abs=0.5)
    assert 1e-6 < estimate.suggest(points) < 1
    assert not spec.folder.exists()


def test_the_suggestion_is_where_the_loss_falls_fastest() -> None:
    rates = [10 ** (-6 + i / 10) for i in range(60)]
    losses = [2 - math.tanh((i - 30) / 4) + max(0, i - 45) ** 2 for i in range(60)]
    curve = [{"lr": r, "loss": x} for r, x in zip(rates, losses, strict=True)]
    assert estimate.suggest(curve) == pytest.approx(rates[30])
    for flat in ([], curve[:1], [{"lr": r, "loss": r} for r in rates]):
        with pytest.raises(MlError, match="none can be suggested"):
            estimate.suggest(flat)
