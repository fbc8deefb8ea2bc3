"""Learn to Pay Attention (Jetley et al. 2018, arXiv:1804.02391)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import torch
from torch import Tensor, nn

from ml.networks.attention.base import (
    DROPOUT,
    MECHANISMS,
    Mechanism,
    MechanismEntry,
    Parameters,
    Slots,
)
from ml.networks.types import About, Attended, Paper, Stage


@dataclass(frozen=True)
class L2PAParameters(Parameters):
    """Compatibility: `pc` parametrised or `dp` dot product (section 3.1); aggregation: 3.2.

    Attributes:
        dropout: Of each attended vector; the authors' share.
        head: `authors`: BatchNorm, ReLU and dropout on each attended vector, as in their code; or
            `linear`: dropout alone.
    """

    dropout: float = field(default=0.5, metadata=DROPOUT)
    compatibility: Literal["pc", "dp"] = field(
        default="pc",
        metadata={
            "title": "Compatibility",
            "help": "Parametrised, or the dot product with the global feature.",
            "choices": ("pc", "dp"),
        },
    )
    aggregation: Literal["concat", "indep"] = field(
        default="concat",
        metadata={
            "title": "Aggregation",
            "help": "One classifier for all stages, or one per stage.",
            "choices": ("concat", "indep"),
        },
    )
    head: Literal["authors", "linear"] = field(
        default="authors",
        metadata={
            "title": "Head",
            "help": "BatchNorm and ReLU before the linear layer, as the authors, or neither.",
            "choices": ("authors", "linear"),
            "absent": "linear",
        },
    )


class Compatibility(nn.Module):
    """How well each position's feature l_i agrees with the global feature g: c_i.

    In the parametrised form <u, l_i + W g>, <u, W g> is the same at every position, and the
    softmax cancels it: it is left out, and W with it.
    """

    def __init__(self, channels: int, head_channels: int, kind: str) -> None:
        super().__init__()
        self.u = nn.Parameter(torch.empty(channels)) if kind == "pc" else None
        if self.u is None:
            self.project = nn.Linear(head_channels, channels, bias=False)
        else:
            nn.init.normal_(self.u, std=channels**-0.5)
            self.register_load_state_dict_pre_hook(_without_projection)  # type: ignore[no-untyped-call]

    def forward(self, features: Tensor, pooled: Tensor) -> Tensor:
        """(B, C, h, w) and (B, G) -> scores (B, h, w)."""
        if self.u is None:
            return torch.einsum("bchw,bc->bhw", features, self.project(pooled))
        return torch.einsum("bchw,c->bhw", features, self.u)


def _without_projection(_module: nn.Module, state: dict[str, Any], prefix: str, *_: Any) -> None:
    """Leave out the idle W, which files of earlier versions hold."""
    state.pop(f"{prefix}project.weight", None)


def spatial_softmax(scores: Tensor) -> Tensor:
    """Softmax over all positions: (B, h, w) -> (B, 1, h, w), each summing to 1."""
    return scores.flatten(1).softmax(1).reshape(scores.shape).unsqueeze(1)


def _preparation(channels: int, parameters: L2PAParameters) -> nn.Sequential:
    """Build what an attended vector (B, C) goes through before the linear layer."""
    dropout = nn.Dropout(parameters.dropout)
    if parameters.head == "linear":
        return nn.Sequential(dropout)
    return nn.Sequential(nn.BatchNorm1d(channels), nn.ReLU(), dropout)


class LearnToPayAttention(Mechanism):
    """The classifier sees only the attended vectors g_a, never the global feature itself."""

    classifies_trunk = True
    mask_unit = "share"

    def __init__(self, slots: Slots, parameters: L2PAParameters) -> None:
        super().__init__(slots, parameters)
        self.compatibility = nn.ModuleDict(
            {
                s: Compatibility(slots.channels[s], slots.head_channels, parameters.compatibility)
                for s in slots.stages
            }
        )
        self.prepare = nn.ModuleDict(
            {s: _preparation(slots.channels[s], parameters) for s in slots.stages}
        )
        widths = [slots.channels[s] for s in slots.stages]
        if parameters.aggregation == "concat":
            widths = [sum(widths)]
        self.heads = nn.ModuleList(nn.Linear(width, slots.num_classes) for width in widths)

    def classify(self, taps: Mapping[Stage, Tensor], head: Tensor) -> Attended:
        """Weigh every stage by its softmax mask and classify the weighted sums.

        The authors' `indep` adds the stages' logits. Here they are averaged, a constant factor, so
        that the number of stages does not set how sure the network is.
        """
        pooled = head.mean((2, 3))
        masks = {
            s: self.edited(s, spatial_softmax(self.compatibility[s](taps[s], pooled)))
            for s in self.slots.stages
        }
        attended = [self.prepare[s]((mask * taps[s]).sum((2, 3))) for s, mask in masks.items()]
        if len(self.heads) == 1:
            return Attended(self.heads[0](torch.cat(attended, 1)), masks)
        votes = [head(vector) for head, vector in zip(self.heads, attended, strict=True)]
        return Attended(torch.stack(votes).mean(0), masks)


MECHANISMS.register("l2pa")(
    MechanismEntry(
        build=LearnToPayAttention,
        parameters=L2PAParameters,
        default_row=("l2pa", 1),
        about=About(
            title="Learn to Pay Attention",
            mask_range="distribution",
            summary=(
                "Each stage's local features are scored against the global feature of the whole "
                "image, and a softmax over all positions turns the scores into a mask that sums "
                "to one (in the parametrised form, pc, the softmax cancels the global feature's "
                "equal share of every score, so the mask follows from the local features). "
                "The classifier sees only the three weighted sums, never the global "
                "feature, so whatever it knows has passed through a mask. A bright spot is a share "
                "of a fixed budget: bright here means dark elsewhere."
            ),
            equation=(
                r"c_i^s = \langle u^s,\, l_i^s + W^s g \rangle, \quad "
                r"a^s = \mathrm{softmax}_i(c^s), \quad g_a^s = \sum_i a_i^s \, l_i^s"
            ),
            paper=Paper(
                "Learn To Pay Attention",
                "Jetley, Lord, Lee, Torr",
                2018,
                "https://arxiv.org/abs/1804.02391",
            ),
        ),
    )
)
