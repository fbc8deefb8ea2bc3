"""A run that was stopped, or killed, and resumed gives the numbers of one that never was."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors import safe_open

from ml import checkpoint as checkpoints
from ml.errors import MlError
from ml.train import state
from ml.train.config import TrainConfig
from ml.train.data import Images
from ml.train.events import EpochEnd, Step
from ml.train.loop import Trainer

CONFIG = TrainConfig("gated", epochs=2, batch_size=8, size=64, eval_size=64, frozen_blocks=0)


@pytest.fixture
def images() -> Images:
    labels = torch.arange(24) % 2
    pixels = torch.randint(0, 255, (24, 3, 64, 64), dtype=torch.uint8)
    pixels[labels == 1] //= 2
    return Images(pixels, labels, ("light", "dark"), tuple(Path(str(i)) for i in range(24)))


def undisturbed(images: Images) -> tuple[dict[str, torch.Tensor], list[EpochEnd]]:
    trainer = Trainer(CONFIG, images, images)
    epochs = [p for p in trainer.run() if isinstance(p, EpochEnd)]
    return trainer.network.state_dict(), epochs


@pytest.mark.parametrize("stop_after", [1, 3, 4, 5, 7])  # 4: in a validation
def test_resumed_run_is_bit_for_bit_the_same(
    images: Images, tmp_path: Path, stop_after: int
) -> None:
    weights, epochs = undisturbed(images)
    first = Trainer(CONFIG, images, images)
    run, kept = first.run(), tmp_path / "run.state"
    before = [next(run) for _ in range(stop_after)]
    run.close()
    state.save(first, kept, [])

    second = Trainer(CONFIG, images, images)
    state.load(second, kept)
    after = list(second.run())

    told = [*before, *after]
    assert [p.step for p in told if isinstance(p, Step)] == [1, 2, 3, 4, 5, 6]
    for name, tensor in second.network.state_dict().items():
        assert torch.equal(tensor, weights[name]), name
    ended = [p for p in told if isinstance(p, EpochEnd)]
    for one, other in zip(ended, epochs, strict=True):
        assert (one.train_loss, one.val_loss, one.lr) == (
            other.train_loss,
            other.val_loss,
            other.lr,
        )


def test_state_of_another_run_is_refused(images: Images, tmp_path: Path) -> None:
    trainer = Trainer(CONFIG, images, images)
    next(trainer.run())
    state.save(trainer, tmp_path / "run.state", [])
    other = Trainer(TrainConfig("plain", epochs=1, batch_size=8, frozen_blocks=0), images, images)
    with pytest.raises(MlError, match="other settings"):
        state.load(other, tmp_path / "run.state")


def test_damaged_state_is_refused(images: Images, tmp_path: Path) -> None:
    (tmp_path / "run.state").write_bytes(b"not a state")
    with pytest.raises(MlError, match="damaged"):
        state.load(Trainer(CONFIG, images, images), tmp_path / "run.state")


def _tree(root: Path) -> Path:
    rng = np.random.default_rng(3)
    for split, count in (("train", 12), ("val", 4)):
        for label, top in (("light", 255), ("dark", 90)):
            (root / split / label).mkdir(parents=True)
            for i in range(count):
                pixels = rng.integers(0, top, (64, 64, 3), dtype=np.uint8)
                Image.fromarray(pixels).save(root / split / label / f"{i}.png")
    return root


def _train(data: Path, out: Path) -> subprocess.Popen[bytes]:
    words = ["plain", "--start", "scratch", "--epochs", "6", "--batch-size", "8", "--size", "64"]
    words += ["--eval-size", "64", "--save-seconds", "0", "--data", str(data), "--out", str(out)]
    return subprocess.Popen(
        [sys.executable, "-m", "ml", "train", *words, "--early-stopping", "9"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def _kill_after_saves(process: subprocess.Popen[bytes], kept: Path, saves: int) -> None:
    """Kill -9 at a random moment after so many more states were saved."""
    seen = {kept.stat().st_mtime_ns} if kept.exists() else set()
    enough = len(seen) + saves
    while len(seen) < enough:
        assert process.poll() is None, "the run ended before it was killed"
        if kept.exists():
            seen.add(kept.stat().st_mtime_ns)
        time.sleep(0.002)
    time.sleep(random.uniform(0, 0.1))
    process.kill()
    process.wait()


def test_five_times_killed_is_bit_for_bit_undisturbed(tmp_path: Path) -> None:
    data = _tree(tmp_path / "data")
    undisturbed = _train(data, tmp_path / "a")
    kept = tmp_path / "b" / "plain.run" / state.NAME
    steps = []
    for _ in range(5):
        _kill_after_saves(_train(data, tmp_path / "b"), kept, random.randint(1, 3))
        steps.append(_steps_done(kept))
    assert steps == sorted(steps), "a try began before the last saved state"
    assert 0 < steps[0] < steps[-1] < 18, steps
    assert _train(data, tmp_path / "b").wait(300) == 0
    assert undisturbed.wait(300) == 0
    one, other = (checkpoints.read(tmp_path / d / "plain.safetensors") for d in "ab")
    assert one.sha256 == other.sha256
    assert one.about["metrics"] == other.about["metrics"]
    assert [c["epoch"] for c in one.about["curves"]] == [1, 2, 3, 4, 5, 6]
    for a, b in zip(one.about["curves"], other.about["curves"], strict=True):
        assert a | {"seconds": 0} == b | {"seconds": 0}
    assert not kept.exists()


def _steps_done(kept: Path) -> int:
    with safe_open(kept, framework="pt") as file:
        position = json.loads(file.metadata()["run"])["position"]
    return 3 * position["epoch"] + position["batch"]
