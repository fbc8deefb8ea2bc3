"""What a checkpoint's card says under `calibration`, and how it is made from logits and scores."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from torch import Tensor

from ml.calibration.domain import (
    IMAGENET_MASS,
    MASS_AND_ENERGY,
    Scores,
    auroc,
    auroc_interval,
    fit_scale,
    threshold_at,
)
from ml.calibration.temperature import (
    cross_calibrated,
    expected_calibration_error,
    fit_temperature,
)

DIGITS = 6
CHANCE = 0.5  # of an AUROC


@dataclass(frozen=True)
class Domain:
    """A rule for "none of what I know".

    Attributes:
        rule: The score's name, as in `ml.calibration.domain`.
        threshold: A model abstains below this score.
        scale: How fast the score turns from outside to inside.
        auroc: Over the images of the model's data and the others; None if nothing is outside, as
            for the 1000-class network.
        auroc_interval: Its 95 % interval.
        abstains_inside: The share of the model's own images on which it abstains.
        abstains_outside: The share of the others on which it abstains.
        others: How many others there were.
        others_data: Names of their folders.
    """

    rule: str
    threshold: float
    scale: float
    auroc: float | None = None
    auroc_interval: tuple[float, float] | None = None
    abstains_inside: float | None = None
    abstains_outside: float | None = None
    others: int = 0
    others_data: str = ""

    @property
    def asks_imagenet(self) -> bool:
        """Whether the score needs the answer of the 1000-class network."""
        return self.rule in (IMAGENET_MASS, MASS_AND_ENERGY)

    def in_domain(self, score: float) -> float:
        """Return 0..1: above 0.5 the model answers, below it abstains."""
        distance = (score - self.threshold) / self.scale
        return 1 / (1 + math.exp(-min(max(distance, -500.0), 500.0)))


@dataclass(frozen=True)
class Calibration:
    """What makes a model's answers honest, from data that it was not trained on.

    Attributes:
        temperature: What logits are divided by before the softmax.
        ece_before: Expected calibration error (0..1) without it.
        ece_after: With it, by cross-fitting.
        count: How many labelled images or clips there were.
        data: Name of their folder.
        seed: Of halves and resamples.
        domain: When to abstain, or None if there were no others.
    """

    temperature: float
    ece_before: float
    ece_after: float
    count: int
    data: str
    seed: int
    domain: Domain | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return the record as JSON, numbers rounded to six digits."""
        rounded: dict[str, Any] = _rounded(asdict(self))
        return rounded

    @classmethod
    def of(cls, about: Mapping[str, Any]) -> Calibration | None:
        """Return the calibration in a checkpoint's JSON, or None if it has none."""
        fields = about.get("calibration")
        if fields is None:
            return None
        domain = fields["domain"]
        if domain is not None:
            interval = domain.get("auroc_interval")
            domain = Domain(**{**domain, "auroc_interval": tuple(interval) if interval else None})
        return cls(**{**fields, "domain": domain})


def calibrate(logits: Tensor, labels: Tensor, data: str, seed: int = 0) -> Calibration:
    """Fit a temperature to logits (N, K) and labels (N,) of a validation split named `data`."""
    scaled = cross_calibrated(logits, labels, seed)
    return Calibration(
        temperature=fit_temperature(logits, labels),
        ece_before=expected_calibration_error(logits, labels),
        ece_after=expected_calibration_error(scaled, labels),
        count=len(labels),
        data=data,
        seed=seed,
    )


def choose_rule(
    inside: Mapping[str, Scores],
    outside: Mapping[str, Scores],
    groups: Sequence[object],
    others_data: str,
    rate: float = 0.05,
    seed: int = 0,
) -> Domain | None:
    """Return the rule with the largest AUROC, and its threshold; None if it may be chance.

    Args:
        inside: Rule -> scores of the model's own validation images, (N,).
        outside: Rule -> scores of images that are none of the model's classes, (M,).
        groups: What each of the others belongs to, M long.
        others_data: Names of the others' folders.
        rate: The share of the model's own images on which it may abstain.
        seed: Of the bootstrap.
    """
    areas = {name: auroc(inside[name], outside[name]) for name in inside}
    rule = max(areas, key=lambda name: areas[name])
    own, others = inside[rule], outside[rule]
    interval = auroc_interval(own, others, groups, seed)
    if interval[0] <= CHANCE:
        return None
    threshold = threshold_at(own, rate)
    return Domain(
        rule=rule,
        threshold=threshold,
        scale=fit_scale(own, others, threshold),
        auroc=areas[rule],
        auroc_interval=interval,
        abstains_inside=float(np.mean(own < threshold)),
        abstains_outside=float(np.mean(others < threshold)),
        others=len(others),
        others_data=others_data,
    )


def _rounded(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _rounded(item) for key, item in value.items()}
    if isinstance(value, tuple):
        return [_rounded(item) for item in value]
    return round(value, DIGITS) if isinstance(value, float) else value
