"""What crosses the borders of `ml`: frozen records, no behaviour."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import numpy.typing as npt
from torch import Tensor

Stage = Literal["early", "medium", "late"]
STAGES: tuple[Stage, ...] = ("early", "medium", "late")

Unit = Literal["share", "gate", "evidence", "rollout", "combined"]
"""What a map's numbers are; only maps of one unit can share a scale.

- share: of a mask that sums to 1 over its places.
- gate: a factor that the features are multiplied by, from 0 (closed) to 1 (open); from -1 where
  residual attention divides by a length.
- evidence: signed contributions to the target's logit; at the late stage of a linear head their
  sum is the logit without its bias.
- rollout: share of the attention that reaches each place through all layers.
- combined: the mean of the stages' maps, each scaled to 0..1.
"""

FloatArray = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Attended:
    """What a model returns: class scores and the masks it used on the way.

    logits: (B, K), before any softmax.
    masks: stage -> (B, C, h, w); C is 1, or the stage's width where a mask has channels.
    auxiliary: (weight, logits) pairs that training adds to the loss (deep supervision).
    loss_weight: of the logits themselves in the loss; 0 if training reads `auxiliary` alone.
    pooled: (B, G), the last block's features averaged over space; what attention over time reads.
    """

    logits: Tensor
    masks: Mapping[Stage, Tensor]
    auxiliary: tuple[tuple[float, Tensor], ...] = ()
    pooled: Tensor | None = None
    loss_weight: float = 1.0


@dataclass(frozen=True)
class Paper:
    """Where a mechanism comes from."""

    title: str
    authors: str
    year: int
    url: str


@dataclass(frozen=True)
class About:
    """A mechanism in words, for people: three sentences and an equation in LaTeX."""

    title: str
    summary: str
    equation: str = ""
    paper: Paper | None = None
    mask_range: Literal["none", "unit", "distribution"] = "none"
    layers: Mapping[str, str] = field(default_factory=dict)
