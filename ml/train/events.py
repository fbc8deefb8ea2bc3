"""The events of a training run: frozen records, in the order in which they happen.

`Loading` (any number), `Ready`, then for every epoch `Step`s, `Validating`s and one `EpochEnd`,
with a `Saved` whenever the run's state is on disk, and `Finished` at the end. A run that
was killed and resumed yields what came after the last `Saved` again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ml.model_card import ModelCard
from ml.networks.types import Unit


@dataclass(frozen=True)
class Loading:
    """Before the first step: what is being done, and the share done (0..1)."""

    what: str
    done: float


@dataclass(frozen=True)
class Ready:
    """The first step comes next. `first_step`: steps done by an earlier try, else 0."""

    steps: int
    steps_per_epoch: int
    first_step: int
    batch_size: int
    device: str


@dataclass(frozen=True)
class Step:
    """One optimiser step: loss and accuracy on its batch, images/s, seconds left."""

    epoch: int
    step: int
    steps: int
    loss: float
    accuracy: float
    lr: float
    images_per_s: float
    seconds_left: float


@dataclass(frozen=True)
class Validating:
    """Progress of a validation after an epoch, or of the finished weights: `done` is 0..1."""

    epoch: int
    done: float


@dataclass(frozen=True)
class ProbeMaps:
    """One method's maps of the probe images: float16 [P, cells], the stages' cells in a row.

    grids: stage -> (h, w), in the order in which their h * w cells stand (early, medium, late).
    """

    method: str
    unit: Unit
    grids: Mapping[str, Sequence[int]]
    values: npt.NDArray[np.float16]


@dataclass(frozen=True)
class EpochEnd:
    """One epoch, counted from 1: means over training, the validation split, the probes.

    predicted: uint16 [N], the predicted class of each validation file; confidence: float16 [N], its
    probability, not calibrated; both in the order of the dataset's validation split.
    streams: validation accuracy of each stream of a clip model alone.
    """

    epoch: int
    step: int
    train_loss: float
    train_accuracy: float
    val_loss: float
    val_accuracy: float
    lr: float
    seconds: float
    predicted: npt.NDArray[np.uint16]
    confidence: npt.NDArray[np.float16]
    probes: tuple[ProbeMaps, ...] = ()
    streams: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Mistakes:
    """The worst mistakes of a validation split, the surest first.

    Attributes:
        indices: Of the files.
        predicted: Their predicted classes.
        confidence: The probabilities of these, calibrated.
        maps: Maps of the files for the predicted classes.
    """

    indices: tuple[int, ...] = ()
    predicted: tuple[int, ...] = ()
    confidence: tuple[float, ...] = ()
    maps: tuple[ProbeMaps, ...] = ()


@dataclass(frozen=True)
class Saved:
    """The state after `step` is on disk: a resumed run goes on from there."""

    step: int


@dataclass(frozen=True)
class Finished:
    """The checkpoint is written, with its card, `about`, beside it."""

    path: Path
    about: ModelCard
    stopped_early: bool = False
    worst: Mistakes = Mistakes()


Event = Loading | Ready | Step | Validating | EpochEnd | Saved | Finished
