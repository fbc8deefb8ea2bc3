"""Fusion of two streams' scores (Simonyan and Zisserman 2014; Wang et al. 2016, TSN)."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from ml.errors import MlError
from ml.networks.registry import Registry
from ml.networks.video.types import Stream

Weights = Mapping[Stream, float]


class Fusion(nn.Module):
    """The weighted mean of the streams' logits (B, C); base class of the others."""

    title = "Logits"
    summary = "The weighted mean of both streams' scores before any softmax, as in TSN."

    def __init__(self, weights: Weights, classes: int) -> None:
        super().__init__()
        total = sum(weights.values())
        if total <= 0 or min(weights.values()) < 0:
            raise MlError(f"The streams' weights must be 0 or more, not all 0: {dict(weights)}.")
        self.weights = dict(weights)
        self.shares = {stream: weight / total for stream, weight in weights.items()}
        self.classes = classes

    def forward(self, scores: Mapping[Stream, Tensor]) -> Tensor:
        """Each stream's logits (B, C) -> fused logits (B, C)."""
        parts = [self.part(stream, logits) for stream, logits in scores.items()]
        return torch.stack(parts).sum(0)

    def part(self, stream: Stream, logits: Tensor) -> Tensor:
        """Return what a stream's logits (..., C) contribute to the fused logits."""
        return self.shares[stream] * logits

    def rest(self, target: int) -> float | None:  # noqa: ARG002
        """Return the part of the target's fused logit that no stream contributes.

        None if the fused logit is not a sum over streams.
        """
        return 0.0


class SoftmaxFusion(Fusion):
    """The weighted mean of probabilities, whose logarithm serves as the fused logits.

    These are not a sum over streams: `part` returns the same as for `Fusion`.
    """

    title = "Probabilities"
    summary = "The weighted mean of both streams' probabilities, as in the two-stream paper."

    def forward(self, scores: Mapping[Stream, Tensor]) -> Tensor:
        """Each stream's logits (B, C) -> log of the mean probabilities (B, C)."""
        logs = [z.log_softmax(1) + _log(self.shares[s]) for s, z in scores.items()]
        return torch.stack(logs).logsumexp(0)

    def rest(self, target: int) -> float | None:  # noqa: ARG002
        """Return None: a logarithm of sums is not a sum."""
        return None


class LearntFusion(Fusion):
    """A linear layer on both streams' logits, which starts as their weighted mean."""

    title = "Learnt"
    summary = "A linear layer on both streams' scores, trained with them; it starts as their mean."

    def __init__(self, weights: Weights, classes: int) -> None:
        super().__init__(weights, classes)
        self.mix = nn.ParameterDict(
            {s: nn.Parameter(share * torch.eye(classes)) for s, share in self.shares.items()}
        )
        self.bias = nn.Parameter(torch.zeros(classes))

    def forward(self, scores: Mapping[Stream, Tensor]) -> Tensor:
        """Each stream's logits (B, C) -> fused logits (B, C)."""
        fused: Tensor = super().forward(scores) + self.bias
        return fused

    def part(self, stream: Stream, logits: Tensor) -> Tensor:
        """Return a stream's logits (..., C) through its half of the layer."""
        mixed: Tensor = logits @ self.mix[stream].T.to(logits.dtype)
        return mixed

    def rest(self, target: int) -> float | None:
        """Return the layer's bias."""
        return float(self.bias[target].detach())


def _log(share: float) -> float:
    return float(torch.tensor(share).log())


FUSIONS: Registry[type[Fusion]] = Registry("fusion", "ml.networks.video")
for _name, _rule in (("logits", Fusion), ("softmax", SoftmaxFusion), ("learnt", LearntFusion)):
    FUSIONS.register(_name)(_rule)
