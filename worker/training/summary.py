"""What a finished run's row holds, as JSON."""

from __future__ import annotations

from typing import Any, TypedDict

from ml.networks.types import Unit


class StoredMaps(TypedDict):
    """One method's maps of several images: their blob, and each stage's (h, w) in it, in order."""

    unit: Unit
    stages: dict[str, list[int]]
    key: str


class StoredMistake(TypedDict):
    """A validation file whose class the model got wrong."""

    index: int
    true: int
    predicted: int
    confidence: float


class Results(TypedDict):
    """What the run came to; `seconds` is the sum over epochs."""

    val_accuracy: float
    val_loss: float
    best_epoch: int | None
    seconds: float


class Summary(Results):
    """All of it; `card` is the model's as the table of models shows it."""

    worst: list[StoredMistake]
    worst_maps: dict[str, StoredMaps]
    card: dict[str, Any]
    stopped_early: bool
