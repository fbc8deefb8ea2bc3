"""Additive attention gates (Oktay et al. 2018, arXiv:1804.03999; Schlemper et al. 2019)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ml.networks.attention.base import Mechanism, Parameters, Slots
from ml.networks.types import Attended, Paper, Stage

Normalisation = Literal["sigmoid", "softmax", "mean", "mean_flow"]
Aggregation = Literal["concat", "mean", "mean_probabilities", "deep_sup", "ft"]

UNGATED = "last"  # the vector of the last block, which is no stage
UNGATED_WORDS = (
    "In the authors' networks the classifier also reads the last layer, pooled without a gate; "
    "here that is an option, since a mask that the classifier can walk around need not matter."
)

PAPER = Paper(
    "Attention Gated Networks: Learning to Leverage Salient Regions in Medical Images",
    "Schlemper, Oktay, Schaap, Heinrich, Kainz, Glocker, Rueckert",
    2019,
    "https://arxiv.org/abs/1808.08114",
)


@dataclass(frozen=True)
class GateParameters(Parameters):
    """Normalisation of scores into a mask; aggregation of the stages into one prediction.

    Attributes:
        aggregation: `concat`, `deep_sup`, `ft` and `mean_probabilities` (their `mean`) are the
            authors'; `mean`, of logits, is ours.
        ungated_last: Whether the last block, average-pooled and ungated, joins the gated vectors,
            as in the authors' networks.
    """

    normalisation: Normalisation = field(
        default="mean_flow",
        metadata={
            "title": "Normalisation",
            "help": "What turns scores into a mask.",
            "choices": ("sigmoid", "softmax", "mean", "mean_flow"),
        },
    )
    aggregation: Aggregation = field(
        default="deep_sup",
        metadata={
            "title": "Aggregation",
            "help": "How the stages' vectors become one prediction; means: of logits or, as the "
            "authors, of probabilities.",
            "choices": ("concat", "mean", "mean_probabilities", "deep_sup", "ft"),
        },
    )
    ungated_last: bool = field(
        default=False,
        metadata={
            "title": "Ungated last layer",
            "help": "The classifier also reads the last layer, pooled without a gate, as in the "
            "authors' code: masks that it can walk around need not matter.",
            "absent": False,
        },
    )


def normalise(scores: Tensor, how: Normalisation) -> Tensor:
    """Turn scores (B, 1, h, w) into a mask of that shape; all but `sigmoid` sum to 1 over space."""
    if how == "sigmoid":
        return scores.sigmoid()
    flat = scores.flatten(2)
    if how == "softmax":
        flat = flat.softmax(2)
    else:
        if how == "mean_flow":
            flat = flat - flat.amin(2, keepdim=True)
        total = flat.sum(2, keepdim=True)  # negative for some `mean`s; 0 for constant scores
        nonzero = total.abs() > 1e-6
        flat = torch.where(nonzero, flat / torch.where(nonzero, total, 1.0), 1 / flat.shape[2])
    return flat.view_as(scores)


class Gate(nn.Module):
    """q = psi(ReLU(theta(x) + up(phi(g)))), normalised: which positions of x to let through."""

    def __init__(self, channels: int, gating_channels: int, normalisation: Normalisation) -> None:
        super().__init__()
        hidden = max(channels // 2, 16)
        self.normalisation = normalisation
        self.theta = nn.Conv2d(channels, hidden, 1, bias=False)
        self.phi = nn.Conv2d(gating_channels, hidden, 1, bias=False)
        self.psi = nn.Conv2d(hidden, 1, 1)
        if normalisation == "sigmoid":  # the gate starts open, as in the authors' code
            nn.init.constant_(cast(Tensor, self.psi.bias), 3.0)

    def forward(self, x: Tensor, gating: Tensor) -> Tensor:
        """X (B, C, h, w), gating (B, G, h', w') -> mask (B, 1, h, w)."""
        phi = self.phi(gating)
        if phi.shape[2:] != (1, 1):
            phi = F.interpolate(phi, size=x.shape[2:], mode="bilinear", align_corners=False)
        scores: Tensor = self.psi(F.relu(self.theta(x) + phi))
        return normalise(scores, self.normalisation)


class GatedClassifier(Mechanism):
    """Gates on every stage; the gated features are pooled over space and classified.

    Attributes:
        grid: Whether each position has a gating vector of its own, instead of one pooled vector.
    """

    classifies_trunk = True
    grid = False

    def __init__(self, slots: Slots, parameters: GateParameters) -> None:
        super().__init__(slots, parameters)
        self.aggregation = parameters.aggregation
        self.mask_unit = "gate" if parameters.normalisation == "sigmoid" else "share"
        self.gates = nn.ModuleDict(
            {
                s: Gate(slots.channels[s], slots.head_channels, parameters.normalisation)
                for s in slots.stages
            }
        )
        self.dropout = nn.Dropout(parameters.dropout)
        self.ungated_last = parameters.ungated_last
        widths: dict[str, int] = {s: slots.channels[s] for s in slots.stages}
        if self.ungated_last:
            widths[UNGATED] = slots.head_channels
        classes = slots.num_classes
        if self.aggregation != "concat":
            self.votes = nn.ModuleDict({s: nn.Linear(w, classes) for s, w in widths.items()})
        if self.aggregation in ("concat", "deep_sup"):
            self.joint = nn.Linear(sum(widths.values()), classes)
        if self.aggregation == "ft":
            self.joint = nn.Linear(classes * len(widths), classes)

    def classify(self, taps: Mapping[Stage, Tensor], head: Tensor) -> Attended:
        """Gate, pool and aggregate (Schlemper et al., section 3.3)."""
        gating = head if self.grid else head.mean((2, 3), keepdim=True)
        masks = {s: self.edited(s, self.gates[s](taps[s], gating)) for s in self.slots.stages}
        pooled: dict[str, Tensor] = {s: self._pool(mask, taps[s]) for s, mask in masks.items()}
        if self.ungated_last:
            pooled[UNGATED] = self.dropout(head.mean((2, 3)))
        return self._aggregate(pooled, masks)

    def _pool(self, mask: Tensor, x: Tensor) -> Tensor:
        """Sum over space; the mean for a sigmoid mask, whose sum is not fixed."""
        gated = mask * x
        sigmoid = self.gates[self.slots.stages[0]].normalisation == "sigmoid"
        pooled: Tensor = self.dropout(gated.mean((2, 3)) if sigmoid else gated.sum((2, 3)))
        return pooled

    def _aggregate(self, pooled: dict[str, Tensor], masks: dict[Stage, Tensor]) -> Attended:
        if self.aggregation == "concat":
            return Attended(self.joint(torch.cat(list(pooled.values()), 1)), masks)
        votes = [self.votes[s](vector) for s, vector in pooled.items()]
        if self.aggregation == "mean":
            return Attended(torch.stack(votes).mean(0), masks)
        if self.aggregation == "mean_probabilities":  # as in the authors' code, each vote learns
            mean = torch.stack(votes).log_softmax(2).logsumexp(0) - math.log(len(votes))
            return Attended(mean, masks, tuple((1.0, vote) for vote in votes), loss_weight=0.0)
        if self.aggregation == "ft":
            return Attended(self.joint(torch.cat(votes, 1)), masks)
        joint = self.joint(torch.cat(list(pooled.values()), 1))
        return Attended(joint, masks, tuple((0.1, vote) for vote in votes))
