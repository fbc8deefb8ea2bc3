"""How good a network is on a split, file by file, and which of its mistakes are the worst."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt
import torch.nn.functional as F
from torch import Tensor

from ml.calibration.temperature import fit_temperature

WORST = 12


@dataclass(frozen=True)
class Evaluation:
    """What a network predicts for a split of N files, and how good that is.

    Attributes:
        loss: Mean cross-entropy.
        accuracy: Share of files whose class is predicted.
        predicted: Each file's predicted class, [N].
        confidence: The probability of that class, [N], before calibration.
        logits: Of all classes, (N, C), float32.
        streams: Accuracy of each stream of a clip model alone.
    """

    loss: float
    accuracy: float
    predicted: npt.NDArray[np.uint16]
    confidence: npt.NDArray[np.float16]
    logits: Tensor
    streams: Mapping[str, float] = field(default_factory=dict)


def summarise(
    logits: Tensor, labels: Tensor, streams: Mapping[str, float] | None = None
) -> Evaluation:
    """Return the evaluation of a whole split from its logits (N, C) on the CPU."""
    losses = F.cross_entropy(logits, labels, reduction="none")
    confidence, predicted = logits.softmax(1).max(1)
    return Evaluation(
        loss=losses.double().mean().item(),
        accuracy=(predicted == labels).double().mean().item(),
        predicted=predicted.numpy().astype(np.uint16),
        confidence=confidence.numpy().astype(np.float16),
        logits=logits,
        streams=streams or {},
    )


def calibrated(evaluation: Evaluation, labels: Tensor) -> Evaluation:
    """Return the evaluation with confidences at the temperature that its own files (N,) ask for.

    It is the temperature of the model's card. Of one file there is none, and nothing changes.
    """
    if len(labels) < 2:
        return evaluation
    scaled = evaluation.logits.double() / fit_temperature(evaluation.logits, labels)
    confidence = scaled.softmax(1).amax(1).numpy().astype(np.float16)
    return replace(evaluation, confidence=confidence)


def worst_mistakes(evaluation: Evaluation, labels: Tensor, count: int = WORST) -> tuple[int, ...]:
    """Return indices of the files that were wrong with the highest confidence, worst first."""
    wrong = np.flatnonzero(evaluation.predicted != labels.numpy())
    order = np.argsort(-evaluation.confidence[wrong].astype(np.float32), kind="stable")
    return tuple(int(i) for i in wrong[order[:count]])
