"""Convolutional Block Attention Module (Woo et al. 2018, arXiv:1807.06521)."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import Literal

import torch
from torch import Tensor, nn

from ml.networks.attention.base import (
    MECHANISMS,
    Edit,
    MechanismEntry,
    Parameters,
    PooledClassifier,
    Slots,
    unchanged,
)
from ml.networks.types import About, Paper, Stage


@dataclass(frozen=True)
class CBAMParameters(Parameters):
    """Parameters of CBAM.

    Attributes:
        reduction: The paper's r.
        hidden_floor: Minimum number of hidden units, since 32 // 16 would leave two.
        spatial_start: `flat` as in the paper (gamma 0, mask 0.5 everywhere), or `activation`:
            gamma 1 and a Gaussian window, so that the mask starts high where activations are.
    """

    reduction: int = field(
        default=16,
        metadata={
            "title": "Reduction",
            "help": "How many times fewer hidden units than channels.",
            "min": 1,
            "max": 64,
        },
    )
    hidden_floor: int = field(
        default=8,
        metadata={
            "title": "Least hidden units",
            "help": "Used if the reduction would leave fewer.",
            "min": 1,
            "max": 512,
        },
    )
    spatial_start: Literal["flat", "activation"] = field(
        default="flat",
        metadata={
            "title": "Start of the spatial mask",
            "help": "Flat, as in the paper, or high where activations are strong.",
            "choices": ("flat", "activation"),
        },
    )


def gaussian(size: int) -> Tensor:
    """Return a Gaussian window (size, size), standard deviation one cell, peak 1.

    With weights this large the filter learns slowly: a BatchNorm follows, so only the filter's
    shape matters.
    """
    across = torch.exp(-0.5 * (torch.arange(size) - size // 2) ** 2)
    return across[:, None] * across


class ConvBlockAttention(nn.Module):
    """Channel attention, then spatial attention (section 3, equations 1 to 3)."""

    def __init__(self, channels: int, parameters: CBAMParameters) -> None:
        super().__init__()
        hidden = max(channels // parameters.reduction, parameters.hidden_floor)
        self.mlp = nn.Sequential(
            nn.Linear(channels, hidden), nn.ReLU(), nn.Linear(hidden, channels)
        )
        self.conv = nn.Conv2d(2, 1, 7, padding=3, bias=False)
        self.norm = nn.BatchNorm2d(1, momentum=0.01)  # the authors'
        if parameters.spatial_start == "flat":
            nn.init.zeros_(self.norm.weight)
        else:
            with torch.no_grad():
                self.conv.weight.copy_(gaussian(7))

    def forward(self, x: Tensor, edit: Edit = unchanged) -> tuple[Tensor, Tensor]:
        """(B, C, h, w) -> refined features and the spatial mask (B, 1, h, w) in [0, 1]."""
        channel = (self.mlp(x.mean((2, 3))) + self.mlp(x.amax((2, 3)))).sigmoid()
        x = x * channel[:, :, None, None]
        pooled = torch.cat([x.amax(1, keepdim=True), x.mean(1, keepdim=True)], 1)
        mask = edit(self.norm(self.conv(pooled)).sigmoid())
        return x * mask, mask


class CBAM(PooledClassifier):
    """A block after each chosen stage of the trunk.

    The paper puts one inside every residual block, before the sum; here there are three at most.
    """

    def __init__(self, slots: Slots, parameters: CBAMParameters) -> None:
        super().__init__(slots, parameters)
        self.blocks = nn.ModuleDict(
            {s: ConvBlockAttention(slots.channels[s], parameters) for s in slots.stages}
        )

    def refine(self, stage: Stage, x: Tensor) -> tuple[Tensor, Tensor | None]:
        """Refine the trunk there; the mask is the spatial one."""
        refined, mask = self.blocks[stage](x, partial(self.edited, stage))
        return refined, mask


MECHANISMS.register("cbam")(
    MechanismEntry(
        build=CBAM,
        parameters=CBAMParameters,
        default_row=("cbam", 5),
        about=About(
            title="CBAM",
            mask_range="unit",
            summary=(
                "Two small modules follow each stage: the first weighs channels, from their mean "
                "and maximum over space; the second weighs positions, from the mean and maximum "
                "over channels and a 7x7 convolution. Both multiply the features inside the trunk, "
                "so all later layers see the result. (The paper puts them inside every residual "
                "block; here they follow three stages.) The spatial mask is shown as it is, and "
                "Grad-CAM, as in the paper, beside it."
            ),
            equation=(
                r"M_c = \sigma(\mathrm{MLP}(\mathrm{avg}\,x) + \mathrm{MLP}(\max x)), \quad "
                r"y = M_c \odot x, \quad "
                r"M_s = \sigma(\mathrm{BN}(f^{7 \times 7}[\max_c y;\, \mathrm{avg}_c y])), \quad "
                r"z = M_s \odot y"
            ),
            paper=Paper(
                "CBAM: Convolutional Block Attention Module",
                "Woo, Park, Lee, Kweon",
                2018,
                "https://arxiv.org/abs/1807.06521",
            ),
        ),
    )
)
