"""From what a network did with a scene to the scene's record."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from ml.calibration.temperature import (
    cross_calibrated,
    expected_calibration_error,
    fit_temperature,
)
from ml.study.look import Seen
from ml.study.packing import pack_classes, pack_flags, pack_shares
from ml.study.records import Answers, Intervention, Pointing, SceneRecord
from ml.study.scenes import Scene

DIGITS = 5


def scene_record(seen: Seen, scene: Scene, temperature: float) -> SceneRecord:
    """Return a scene's record.

    Args:
        seen: What the network did.
        scene: The scene.
        temperature: Of the network on ordinary photos.
    """
    record: SceneRecord = {"answers": answers(seen.logits, scene.labels, temperature)}
    if scene.boxed:
        record["pointing"] = pointing(seen, scene.small)
    if seen.edited:
        record["interventions"] = interventions(seen, scene.labels, temperature)
    return record


def answers(logits: Tensor, labels: Tensor, temperature: float) -> Answers:
    """Return how good logits (N, K) are, with a temperature of their own and a given one."""
    scaled, transferred = cross_calibrated(logits, labels), logits.double() / temperature
    predicted = logits.argmax(1)
    return {
        "count": len(labels),
        "accuracy": _mean(predicted == labels),
        "temperature": round(fit_temperature(logits, labels), DIGITS),
        "nll": _loss(scaled, labels),
        "ece": round(expected_calibration_error(scaled, labels), DIGITS),
        "nll_transferred": _loss(transferred, labels),
        "ece_transferred": round(expected_calibration_error(transferred, labels), DIGITS),
        "predicted": pack_classes(predicted.numpy(), labels.numpy()),
        "probability": pack_shares(true_probability(logits, labels, temperature).numpy()),
    }


def true_probability(logits: Tensor, labels: Tensor, temperature: float) -> Tensor:
    """Return the true class's probability (N,) after a temperature."""
    probabilities = (logits.double() / temperature).softmax(1)
    return probabilities.gather(1, labels[:, None])[:, 0]


def pointing(seen: Seen, small: Tensor | None) -> dict[str, dict[str, Pointing]]:
    """Return method -> stage -> how often its maxima are in a box."""
    record: dict[str, dict[str, Pointing]] = {}
    for (method, stage), hit in seen.hits.items():
        figures: Pointing = {
            "count": len(hit),
            "hit": _mean(hit),
            "hits": pack_flags(hit.numpy()),
        }
        if small is not None:
            figures["small"] = _mean(hit[small[: len(hit)]])
        record.setdefault(method, {})[stage] = figures
    return record


def interventions(
    seen: Seen, labels: Tensor, temperature: float
) -> dict[str, dict[str, Intervention]]:
    """Return edit -> stage or `all` -> what the answers became."""
    record: dict[str, dict[str, Intervention]] = {}
    for (edit, where), logits in seen.edited.items():
        own, true = seen.logits[: len(logits)], labels[: len(logits)]
        before, after = own.argmax(1), logits.argmax(1)
        gained = true_probability(logits, true, temperature) - true_probability(
            own, true, temperature
        )
        record.setdefault(edit, {})[where] = {
            "count": len(logits),
            "accuracy_before": _mean(before == true),
            "accuracy": _mean(after == true),
            "changed": _mean(before != after),
            "probability_change": _mean(gained),
            "predicted": pack_classes(after.numpy(), before.numpy()),
        }
    return record


def _loss(logits: Tensor, labels: Tensor) -> float:
    return round(F.cross_entropy(logits, labels).item(), DIGITS)


def _mean(values: Tensor) -> float:
    return round(values.to(torch.float64).mean().item(), DIGITS)
