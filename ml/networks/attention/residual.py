"""Residual Attention Network modules (Wang et al. 2017, arXiv:1704.06904)."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import Literal

import torch.nn.functional as F
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

Activation = Literal["mixed", "channel", "spatial"]
# All reach 7x7 at 224 px. (No official network has a module without poolings, as "late" is.)
POOLINGS: dict[Stage, int] = {"early": 2, "medium": 1, "late": 0}


@dataclass(frozen=True)
class ResidualParameters(Parameters):
    """Parameters of residual attention.

    Attributes:
        activation: Section 3.2.1 of the paper (f1 mixed, f2 channel, f3 spatial).
        mask_start: `random`; `flat`: the mask branch ends in zeros, so all contrast is learnt; or
            `identity`: the branch passes channels through, so that each channel's mask starts
            high where that channel is active.
        mask: `none` for a control: the units in the trunk, and M = 0.
        resampling: Of the mask branch. `caffe`, the authors': poolings without padding, rounded
            up, and upsampling with aligned corners; or `centred`: padded poolings and pixel
            centres.
        unit_after: Whether one more unit follows (1 + M) T, as in the authors' code.
        biases: Of each unit's and the mask's last convolutions; the authors have none.
    """

    activation: Activation = field(
        default="mixed",
        metadata={
            "title": "Activation",
            "help": "What turns scores into a mask: f1, f2 or f3 of the paper.",
            "choices": ("mixed", "channel", "spatial"),
        },
    )
    mask_start: Literal["random", "flat", "identity"] = field(
        default="random",
        metadata={
            "title": "Start of the mask",
            "help": "Random; flat: everything is learnt; identity: each channel's activation.",
            "choices": ("random", "flat", "identity"),
        },
    )
    mask: Literal["learnt", "none"] = field(
        default="learnt",
        metadata={
            "title": "Mask",
            "help": "None leaves the units in the trunk alone: a control.",
            "choices": ("learnt", "none"),
            "absent": "learnt",
        },
    )
    resampling: Literal["caffe", "centred"] = field(
        default="caffe",
        metadata={
            "title": "Resampling",
            "help": "Of the mask branch: as the authors' Caffe, or about pixels' centres.",
            "choices": ("caffe", "centred"),
            "absent": "centred",
        },
    )
    unit_after: bool = field(
        default=True,
        metadata={
            "title": "Unit after the mask",
            "help": "One more unit follows the masked trunk, as in the authors' code.",
            "absent": False,
        },
    )
    biases: bool = field(
        default=False,
        metadata={
            "title": "Biases",
            "help": "Of the last convolutions of units and mask; the authors have none.",
            "absent": True,
        },
    )


def activate(scores: Tensor, kind: Activation) -> Tensor:
    """Turn scores (B, C, h, w) into a mask of the same shape (equations 4 to 6)."""
    if kind == "mixed":
        return scores.sigmoid()
    if kind == "channel":  # each position's vector over the channels has length 1
        return F.normalize(scores, dim=1, eps=1e-3)  # a flat start is all zeros
    centred = scores - scores.mean((2, 3), keepdim=True)
    deviation = centred.pow(2).mean((2, 3), keepdim=True).add(1e-5).sqrt()
    return (centred / deviation).sigmoid()


class Unit(nn.Module):
    """A pre-activation bottleneck unit."""

    def __init__(self, channels: int, bias: bool) -> None:
        super().__init__()
        hidden = max(channels // 4, 8)
        self.body = nn.Sequential(
            *(nn.BatchNorm2d(channels), nn.ReLU(), nn.Conv2d(channels, hidden, 1, bias=False)),
            *(nn.BatchNorm2d(hidden), nn.ReLU()),
            nn.Conv2d(hidden, hidden, 3, padding=1, bias=False),
            *(nn.BatchNorm2d(hidden), nn.ReLU(), nn.Conv2d(hidden, channels, 1, bias=bias)),
        )

    def start_as_identity(self) -> Unit:
        """Let it add nothing until it has learnt something; return it."""
        for parameter in self.body[-1].parameters():
            nn.init.zeros_(parameter)
        return self

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, h, w) -> the same shape."""
        added: Tensor = x + self.body(x)
        return added


class MaskBranch(nn.Module):
    """Bottom-up, top-down: pooling and units, upsampling with skips, two 1x1 convolutions."""

    def __init__(self, channels: int, poolings: int, parameters: ResidualParameters) -> None:
        super().__init__()
        bias = parameters.biases
        self.caffe = parameters.resampling == "caffe"
        self.down = nn.ModuleList(Unit(channels, bias) for _ in range(poolings))
        self.skips = nn.ModuleList(Unit(channels, bias) for _ in range(max(poolings - 1, 0)))
        self.bottom = Unit(channels, bias)
        self.up = nn.ModuleList(Unit(channels, bias) for _ in range(max(poolings - 1, 0)))
        self.last = nn.Sequential(
            *(nn.BatchNorm2d(channels), nn.ReLU(), nn.Conv2d(channels, channels, 1, bias=False)),
            *(nn.BatchNorm2d(channels), nn.ReLU(), nn.Conv2d(channels, channels, 1, bias=bias)),
        )
        if parameters.mask_start == "flat":
            for parameter in self.last[-1].parameters():
                nn.init.zeros_(parameter)
        if parameters.mask_start == "identity":
            self.start_as_identity()

    def start_as_identity(self) -> None:
        """Make each channel's score start as its own activation, pooled and upsampled again."""
        for module in self.modules():
            if isinstance(module, Unit):
                module.start_as_identity()
        for layer in self.last:
            if isinstance(layer, nn.Conv2d):
                nn.init.dirac_(layer.weight)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, h, w) -> scores of the same shape."""
        sizes, skips, y = [x.shape[2:]], [], x
        for level, unit in enumerate(self.down):
            y = unit(self._pooled(y))
            if level < len(self.skips):
                skips.append(self.skips[level](y))
                sizes.append(y.shape[2:])
        y = self.bottom(y)
        for unit in self.up:
            y = unit(self._resized(y, sizes.pop()) + skips.pop())
        scores: Tensor = self.last(self._resized(y, sizes.pop()))
        return scores

    def _pooled(self, x: Tensor) -> Tensor:
        if self.caffe and min(x.shape[2:]) > 1:
            return F.max_pool2d(x, 3, stride=2, ceil_mode=True)
        return F.max_pool2d(x, 3, stride=2, padding=1)

    def _resized(self, x: Tensor, size: tuple[int, ...]) -> Tensor:
        if x.shape[2:] == size:
            return x
        return F.interpolate(x, size=size, mode="bilinear", align_corners=self.caffe)


class ResidualModule(nn.Module):
    """H = (1 + M) * T with p = 1 unit before, t = 2 in the trunk, r = 1 between poolings."""

    def __init__(self, channels: int, poolings: int, parameters: ResidualParameters) -> None:
        super().__init__()
        self.activation: Activation = parameters.activation

        def unit() -> Unit:
            return Unit(channels, parameters.biases).start_as_identity()

        self.before = unit()
        self.trunk = nn.Sequential(unit(), unit())
        learnt = parameters.mask == "learnt"
        self.mask = MaskBranch(channels, poolings, parameters) if learnt else None
        self.after = unit() if parameters.unit_after else nn.Identity()

    def forward(self, x: Tensor, edit: Edit = unchanged) -> tuple[Tensor, Tensor | None]:
        """(B, C, h, w) -> H and M, both of that shape; None for an M that is always 0."""
        x = self.before(x)
        if self.mask is None:
            return self.after(self.trunk(x)), None
        mask = edit(activate(self.mask(x), self.activation))
        return self.after((1 + mask) * self.trunk(x)), mask


class ResidualAttention(PooledClassifier):
    """A module after each chosen stage of the trunk."""

    def __init__(self, slots: Slots, parameters: ResidualParameters) -> None:
        super().__init__(slots, parameters)
        self.blocks = nn.ModuleDict(
            {s: ResidualModule(slots.channels[s], POOLINGS[s], parameters) for s in slots.stages}
        )

    def refine(self, stage: Stage, x: Tensor) -> tuple[Tensor, Tensor | None]:
        """Refine the trunk there; the mask has one map per channel."""
        refined, mask = self.blocks[stage](x, partial(self.edited, stage))
        return refined, mask


MECHANISMS.register("residual")(
    MechanismEntry(
        build=ResidualAttention,
        parameters=ResidualParameters,
        default_row=("residual", 4),
        about=About(
            title="Residual attention",
            mask_range="unit",
            summary=(
                "Beside the trunk runs a mask branch that looks at a shrunken copy of the features "
                "and comes back up to their size, so each mask value has seen a wide area. The "
                "mask multiplies the trunk as one plus M, so it can add weight but never block. It "
                "has one map per channel: the mean is shown first; the maximum, the L2 norm and "
                "every single channel can be chosen."
            ),
            equation=(
                r"H_{i,c}(x) = (1 + M_{i,c}(x)) \, T_{i,c}(x), "
                r"\quad M = \sigma(\mathrm{mask}(x))"
            ),
            paper=Paper(
                "Residual Attention Network for Image Classification",
                "Wang, Jiang, Qian, Yang, Li, Zhang, Wang, Tang",
                2017,
                "https://arxiv.org/abs/1704.06904",
            ),
        ),
    )
)
