"""What the validation images were taken for, from the file that every epoch leaves."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True)
class Predictions:
    """After an epoch: the class that each validation image got, and its probability."""

    epoch: int
    predicted: npt.NDArray[np.int64]
    confidence: npt.NDArray[np.float32]


def read(data: bytes, epoch: int) -> Predictions:
    """Return the content of an epoch's file of predictions, float32 [2, images]."""
    array = np.load(io.BytesIO(data), allow_pickle=False)
    return Predictions(epoch, array[0].astype(np.int64), array[1])


def matrix(predictions: Predictions, labels: Sequence[int], classes: int) -> list[list[int]]:
    """Return counts[true][predicted]."""
    places = np.asarray(labels, np.int64) * classes + predictions.predicted
    counts = np.bincount(places, minlength=classes * classes).reshape(classes, classes)
    return [[int(count) for count in row] for row in counts]


def worst(predictions: Predictions, labels: Sequence[int], most: int) -> list[dict[str, Any]]:
    """Return the wrong answers, the surest first."""
    true = np.asarray(labels, np.int64)
    wrong = np.flatnonzero(predictions.predicted != true)
    surest = wrong[np.argsort(-predictions.confidence[wrong], kind="stable")][:most]
    return [
        {
            "index": int(index),
            "true": int(true[index]),
            "predicted": int(predictions.predicted[index]),
            "confidence": float(predictions.confidence[index]),
        }
        for index in surest
    ]


def cell(
    predictions: Predictions, labels: Sequence[int], true: int, predicted: int
) -> list[tuple[int, float]]:
    """Return (index, confidence) of the images of one class that got another, the surest first."""
    own = (np.asarray(labels, np.int64) == true) & (predictions.predicted == predicted)
    found = np.flatnonzero(own)
    surest = found[np.argsort(-predictions.confidence[found], kind="stable")]
    return [(int(index), float(predictions.confidence[index])) for index in surest]
