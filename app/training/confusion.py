"""Confusion matrix and mistakes, from the predictions that every epoch stores."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from app.db.documents import Mistake


@dataclass(frozen=True)
class Predictions:
    """Predicted class and its probability, for each validation image after one epoch."""

    epoch: int
    predicted: npt.NDArray[np.int64]
    confidence: npt.NDArray[np.float32]


def read(data: bytes, epoch: int) -> Predictions:
    """Return the predictions in an epoch's NPY file, float32 [2, images]."""
    array = np.load(io.BytesIO(data), allow_pickle=False)
    return Predictions(epoch, array[0].astype(np.int64), array[1])


def matrix(predictions: Predictions, labels: Sequence[int], classes: int) -> list[list[int]]:
    """Return counts[true][predicted]."""
    places = np.asarray(labels, np.int64) * classes + predictions.predicted
    counts = np.bincount(places, minlength=classes * classes).reshape(classes, classes)
    return [[int(count) for count in row] for row in counts]


def worst(predictions: Predictions, labels: Sequence[int], most: int) -> list[Mistake]:
    """Return at most `most` wrong predictions, the most confident first."""
    true = np.asarray(labels, np.int64)
    wrong = _most_confident(predictions, predictions.predicted != true)[:most]
    return [
        {
            "index": int(index),
            "true": int(true[index]),
            "predicted": int(predictions.predicted[index]),
            "confidence": float(predictions.confidence[index]),
        }
        for index in wrong
    ]


def cell(
    predictions: Predictions, labels: Sequence[int], true: int, predicted: int
) -> list[tuple[int, float]]:
    """Return (index, confidence) of the images in one cell, the most confident first."""
    in_cell = (np.asarray(labels, np.int64) == true) & (predictions.predicted == predicted)
    indexes = _most_confident(predictions, in_cell)
    return [(int(index), float(predictions.confidence[index])) for index in indexes]


def _most_confident(
    predictions: Predictions, chosen: npt.NDArray[np.bool_]
) -> npt.NDArray[np.intp]:
    """Return the indices of the chosen images, the most confident first."""
    indexes = np.flatnonzero(chosen)
    return indexes[np.argsort(-predictions.confidence[indexes], kind="stable")]
