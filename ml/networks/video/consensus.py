"""Weights of a clip's snippets: equal, or learnt attention over time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

import torch
from torch import Tensor, nn

from ml.networks.registry import Registry
from ml.networks.types import About, Paper


@dataclass(frozen=True)
class ConsensusParameters:
    """Base of all parameters of a consensus; the fields' metadata describes them to forms."""


class MeanConsensus(nn.Module):
    """All snippets have equal weight."""

    def __init__(self, channels: int, parameters: ConsensusParameters) -> None:  # noqa: ARG002
        super().__init__()

    def forward(self, features: Tensor) -> Tensor:
        """Pooled features (B, K, G) -> weights (B, K)."""
        return features.new_full(features.shape[:2], 1 / features.shape[1])


@dataclass(frozen=True)
class AttentionConsensusParameters(ConsensusParameters):
    """Score: `linear` as in UntrimmedNets, or `tanh` with a hidden layer (Ilse et al.)."""

    score: Literal["linear", "tanh"] = field(
        default="linear",
        metadata={
            "title": "Score of a moment",
            "help": "A linear function of its features, or one with a hidden layer.",
            "choices": ("linear", "tanh"),
        },
    )
    hidden: int = field(
        default=128,
        metadata={
            "title": "Hidden units",
            "help": "For the score with a hidden layer.",
            "min": 1,
            "max": 1024,
        },
    )


class AttentionConsensus(nn.Module):
    """A softmax over the clip's snippets of a learnt score; it starts as the mean."""

    def __init__(self, channels: int, parameters: AttentionConsensusParameters) -> None:
        super().__init__()
        width = channels if parameters.score == "linear" else parameters.hidden
        self.hidden = (
            nn.Identity()
            if parameters.score == "linear"
            else nn.Sequential(nn.Linear(channels, width), nn.Tanh())
        )
        self.score = nn.Linear(width, 1, bias=False)  # the softmax would cancel a bias
        nn.init.zeros_(self.score.weight)

    def forward(self, features: Tensor) -> Tensor:
        """Pooled features (B, K, G) -> weights (B, K) that sum to 1 over K."""
        scores: Tensor = self.score(self.hidden(features))
        return torch.softmax(scores[..., 0], 1)


@dataclass(frozen=True)
class ConsensusEntry:
    """A registered consensus: its constructor, parameters and description."""

    build: Callable[..., nn.Module]
    parameters: type[ConsensusParameters]
    about: About


CONSENSUS: Registry[ConsensusEntry] = Registry("consensus", "ml.networks.video")
CONSENSUS.register("mean")(
    ConsensusEntry(
        build=MeanConsensus,
        parameters=ConsensusParameters,
        about=About(
            title="Mean over time",
            summary=(
                "A clip is cut into equal segments and one snippet of each is classified. The mean "
                "of their scores is the clip's score. Every moment has the same weight, whatever "
                "happens in it."
            ),
            equation=r"z = \frac{1}{K} \sum_{t=1}^{K} z_t",
            paper=Paper(
                "Temporal Segment Networks: Towards Good Practices for Deep Action Recognition",
                "Wang, Xiong, Wang, Qiao, Lin, Tang, Van Gool",
                2016,
                "https://arxiv.org/abs/1608.00859",
            ),
        ),
    )
)
CONSENSUS.register("attention")(
    ConsensusEntry(
        build=AttentionConsensus,
        parameters=AttentionConsensusParameters,
        about=About(
            title="Attention over time",
            mask_range="distribution",
            summary=(
                "A score is learnt from each snippet's pooled features, and a softmax over the "
                "clip's snippets turns the scores into weights that sum to one. The clip's score "
                "is the weighted sum, so a moment with weight zero does not count. The weights "
                "start equal, so training starts from the mean."
            ),
            equation=r"a_t = \mathrm{softmax}_t(w^{T} f_t), \quad z = \sum_t a_t \, z_t",
            paper=Paper(
                "UntrimmedNets for Weakly Supervised Action Recognition and Detection",
                "Wang, Xiong, Lin, Van Gool",
                2017,
                "https://arxiv.org/abs/1703.03329",
            ),
        ),
    )
)
