"""A run that was stopped, or killed, and resumed gives the numbers of one that never was."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from ml.errors import MlError
from ml.train import resume
from ml.train.config import TrainConfig
from ml.train.events import EpochEnd, Step
from ml.train.tasks.photos.data import Images
from ml.train.tasks.photos.trainer import PhotoTrainer
from tests.support import killed_training as kills
from tests.support import networks as nets

CONFIG = TrainConfig("gated", epochs=2, batch_size=8, size=64, eval_size=64, frozen_blocks=0)


NARROW = pytest.mark.usefixtures("narrow")


@pytest.fixture(scope="module")
def images() -> Images:
    labels = torch.arange(24) % 2
    generator = torch.Generator().manual_seed(3)
    pixels = torch.randint(0, 255, (24, 3, 64, 64), dtype=torch.uint8, generator=generator)
    pixels[labels == 1] //= 2
    return Images(pixels, labels, ("light", "dark"), tuple(Path(str(i)) for i in range(24)))


@pytest.fixture(scope="module")
def undisturbed(images: Images) -> tuple[dict[str, torch.Tensor], list[EpochEnd]]:
    """What a run that nothing stops ends with: its weights, and its epochs."""
    with nets.narrowed():
        trainer = PhotoTrainer(CONFIG, images, images)
    epochs = [p for p in trainer.run() if isinstance(p, EpochEnd)]
    return trainer.network.state_dict(), epochs


@NARROW
@pytest.mark.parametrize("stop_after", [1, 3, 4, 5, 7])  # 4: in a validation
def test_resumed_run_is_bit_for_bit_the_same(
    images: Images,
    undisturbed: tuple[dict[str, torch.Tensor], list[EpochEnd]],
    tmp_path: Path,
    stop_after: int,
) -> None:
    weights, epochs = undisturbed
    first = PhotoTrainer(CONFIG, images, images)
    run, kept = first.run(), tmp_path / "run.state"
    before = [next(run) for _ in range(stop_after)]
    run.close()
    resume.save(first, kept, [])

    second = PhotoTrainer(CONFIG, images, images)
    resume.load(second, kept)
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


@NARROW
def test_state_of_another_run_is_refused(images: Images, tmp_path: Path) -> None:
    trainer = PhotoTrainer(CONFIG, images, images)
    next(trainer.run())
    resume.save(trainer, tmp_path / "run.state", [])
    other = PhotoTrainer(
        TrainConfig("plain", epochs=1, batch_size=8, frozen_blocks=0), images, images
    )
    with pytest.raises(MlError, match="other settings"):
        resume.load(other, tmp_path / "run.state")


@NARROW
def test_state_of_another_versions_network_is_refused(images: Images, tmp_path: Path) -> None:
    """Settings that a run leaves to their defaults may have had others before an upgrade."""
    config = TrainConfig("residual", epochs=1, batch_size=8)
    earlier = PhotoTrainer(replace(config, parameters={"biases": True}), images, images)
    earlier.config = config
    resume.save(earlier, tmp_path / "run.state", [])
    with pytest.raises(MlError, match="another version's network"):
        resume.load(PhotoTrainer(config, images, images), tmp_path / "run.state")


@NARROW
def test_damaged_state_is_refused(images: Images, tmp_path: Path) -> None:
    (tmp_path / "run.state").write_bytes(b"not a state")
    with pytest.raises(MlError, match="damaged"):
        resume.load(PhotoTrainer(CONFIG, images, images), tmp_path / "run.state")


def test_a_killed_run_ends_bit_for_bit_as_an_undisturbed_one(tmp_path: Path) -> None:
    kills.check(tmp_path, kills=1, epochs=3, seed=0)
