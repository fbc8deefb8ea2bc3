"""Choosing the learning rate: the same few short trainings for every row, on training images."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np
import torch

from ml.errors import MlError
from ml.media.place import TILE, place, scrambled
from ml.study.spec import StudySpec, Trials, settings_of
from ml.train.config import TrainConfig
from ml.train.events import EpochEnd, Step
from ml.train.generators import result_of
from ml.train.initial_weights import InitialWeights
from ml.train.spec import LabelledFiles
from ml.train.tasks.photos.data import Images, load
from ml.train.tasks.photos.trainer import PhotoTrainer

SHARE = 0.35  # of the side that the placed half takes
ARM = "placed"  # the arm that the rate is chosen in


@dataclass(frozen=True)
class Trial:
    """One row trained with one rate."""

    row: str
    rate: float

    @property
    def name(self) -> str:
        """What its file is called."""
        return f"{self.row}-{self.rate:g}"


def all_trials(spec: StudySpec) -> list[Trial]:
    """Return every row with every rate."""
    rates = spec.trials.rates if spec.trials else ()
    return [Trial(row, rate) for row in spec.rows for rate in rates]


def config(spec: StudySpec, trial: Trial) -> TrainConfig:
    """Return a trial's configuration."""
    assert spec.trials is not None
    settings = {**spec.arms[ARM].settings, **spec.trials.settings}
    return spec.config(trial.row, settings, 0, trial.rate)


def split(trials: Trials, files: LabelledFiles) -> tuple[LabelledFiles, LabelledFiles]:
    """Return training images to train on and others to judge by, evenly spread.

    Raises:
        MlError: There are not so many.
    """
    total = trials.train_images + trials.val_images
    if len(files.files) < total:
        raise MlError(f"The trials need {total} training images; there are {len(files.files)}.")
    chosen = files.spread(total)
    held = LabelledFiles(chosen.files, chosen.labels).spread(trials.val_images).files
    known = set(held)
    pairs = list(zip(chosen.files, chosen.labels, strict=True))
    parts = [[p for p in pairs if (p[0] in known) is inside] for inside in (False, True)]
    train, val = (LabelledFiles(*map(tuple, zip(*part, strict=True))) for part in parts)
    return train, val


def half_placed(images: Images) -> Images:
    """Return the images with every second one placed at 35 % on pieces of the one before."""
    pixels, side = images.images.clone(), images.images.shape[-1]
    random = np.random.default_rng(0)
    for i in range(1, len(pixels), 2):
        before, own = (pixels[j].permute(1, 2, 0).numpy() for j in (i - 1, i))
        ground = scrambled(before, side, TILE, i)
        picture = place(own, ground, SHARE, *random.random(2))
        pixels[i] = torch.from_numpy(picture.transpose(2, 0, 1))
    return Images(pixels, images.labels, images.classes, images.files, f"{images.key} half placed")


def run(
    spec: StudySpec,
    trial: Trial,
    images: tuple[Images, Images],
    start: InitialWeights,
    cache: Path,
    device: str,
) -> Generator[Step | EpochEnd, None, dict[str, Any]]:
    """Train once; yield the training's events, return the record.

    Args:
        spec: The study.
        trial: Which row and rate.
        images: To train on and to judge by, from `data`.
        start: The starting weights.
        cache: Folder for features of frozen blocks.
        device: Where to compute.
    """
    asked = config(spec, trial)
    trainer = PhotoTrainer(asked, *images, start=start, device=device, cache=cache)
    ended: EpochEnd | None = None
    for event in trainer.run():
        if isinstance(event, EpochEnd):
            ended = event
        if isinstance(event, Step | EpochEnd):
            yield event
    assert ended is not None
    return {
        "row": trial.row,
        "rate": trial.rate,
        "loss": round(ended.val_loss, 5),
        "accuracy": round(ended.val_accuracy, 5),
        "train_images": len(images[0].labels),
        "val_images": len(images[1].labels),
        "settings": settings_of(asked),
    }


def data(
    trials: Trials, files: LabelledFiles, classes: tuple[str, ...], side: int, cache: Path
) -> tuple[Images, Images]:
    """Decode what trials train on and are judged by.

    Raises:
        MlError: A file cannot be read.
    """
    train, val = (result_of(load(part, classes, side, cache)) for part in split(trials, files))
    return train, half_placed(val)


def best_rate(records: Sequence[Mapping[str, Any]], rates: Sequence[float]) -> float:
    """Return the rate with the least mean loss over the rows."""
    losses = {rate: fmean(r["loss"] for r in records if r["rate"] == rate) for rate in rates}
    return min(rates, key=lambda rate: losses[rate])
