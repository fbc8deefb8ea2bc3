"""Two classes that a network can learn in seconds: discs and stripes."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
from PIL import Image

from ml.networks.network import Network
from ml.train.config import TrainConfig
from ml.train.initial_weights import InitialWeights
from ml.train.spec import RunSpec
from ml.train.tasks.photos.data import Images, list_folder
from ml.train.tasks.photos.initial_weights import partial_weights

T = TypeVar("T")
CLASSES = ("disc", "stripes")
QUICK = TrainConfig(
    epochs=2, batch_size=8, size=64, eval_size=64, frozen_blocks=0, lr=2e-3, new_lr_factor=2
)


def picture(label: int, seed: int, size: int = 64) -> np.ndarray:
    """uint8 (size, size, 3): a bright disc on red, or stripes on blue, with noise."""
    rng = np.random.default_rng(1000 * seed + label)
    y, x = np.mgrid[0:size, 0:size]
    centre = rng.uniform(0.35, 0.65, 2) * size
    disc = (x - centre[0]) ** 2 + (y - centre[1]) ** 2 < (size / 4) ** 2
    shape = disc if label == 0 else (x + rng.integers(8)) // 4 % 2 == 0
    ground = (150, 40, 40) if label == 0 else (40, 40, 150)
    picture = np.where(shape[..., None], 220, ground) + rng.normal(0, 12, (size, size, 3))
    return picture.clip(0, 255).astype(np.uint8)


def images(count: int, seed: int = 0, size: int = 64) -> Images:
    labels = [i % 2 for i in range(count)]
    stack = np.stack([picture(label, seed + i, size) for i, label in enumerate(labels)])
    files = tuple(Path(f"{seed}-{i}.png") for i in range(count))
    return Images(
        torch.from_numpy(stack.transpose(0, 3, 1, 2).copy()), torch.tensor(labels), CLASSES, files
    )


def folder(root: Path, train: int = 6, val: int = 2, size: int = 48) -> Path:
    """Write train/ and val/ with that many images of each class."""
    for split, count, offset in (("train", train, 0), ("val", val, 500)):
        for label, name in enumerate(CLASSES):
            (root / split / name).mkdir(parents=True)
            for i in range(count):
                image = Image.fromarray(picture(label, offset + i, size))
                image.save(root / split / name / f"{i}.png")
    return root


def run_of(data: Path, home: Path, config: TrainConfig, **more: Any) -> RunSpec:
    """A run on the data of `folder`, with its own folder and cache under `home`."""
    (training, classes), (val, _) = list_folder(data / "train"), list_folder(data / "val")
    return RunSpec(
        config=config,
        classes=classes,
        train=training,
        val=val,
        folder=home / "run",
        cache=home / "cache",
        data_name="toys",
        device="cpu",
        **{"data_fingerprint": f"toys-{len(training.files)}-{len(val.files)}", **more},
    )


def starting_as(network: Network) -> InitialWeights:
    """The weights of a network, for a trainer to start from."""
    return partial_weights(network.state_dict(), "a test's network")


def drained(work: Generator[Any, None, T]) -> T:
    """The return value of a generator."""
    while True:
        try:
            next(work)
        except StopIteration as ended:
            return ended.value
