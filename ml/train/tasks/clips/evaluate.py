"""How good a clip model is: each stream alone and both together, and how flat its masks are."""

from __future__ import annotations

import math
from collections.abc import Generator, Iterable, Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor

from ml.networks.video.base import VideoNetwork
from ml.networks.video.types import ClipAttended, ClipBatch, Stream
from ml.train.evaluation import Evaluation, summarise

Batch = tuple[Tensor, ClipBatch, Tensor]  # indices, clips and labels
Z95 = 1.959963984540054
MaskFacts = dict[str, dict[str, dict[str, float]]]


@dataclass(frozen=True)
class ClipEvaluation:
    """An evaluation, and which clips each stream alone and the fusion got right (N,).

    masks: stream -> stage -> `entropy` (1: flat), `contrast` (0: flat) and `varies` (0: the same
    mask for every snippet), means over the split; empty without masks.
    """

    evaluation: Evaluation
    right: Mapping[str, Tensor]
    masks: MaskFacts = field(default_factory=dict)


def wilson(right: int, count: int) -> tuple[float, float]:
    """Return the 95 % interval of a share (Wilson 1927), which holds for few clips too."""
    share, z = right / count, Z95
    middle = (share + z * z / (2 * count)) / (1 + z * z / count)
    half = z / (1 + z * z / count) * math.sqrt(share * (1 - share) / count + (z / (2 * count)) ** 2)
    return max(0.0, middle - half), min(1.0, middle + half)


def mcnemar(one: Tensor, other: Tensor) -> float:
    """Two-sided exact p that two classifiers of the same clips differ by chance alone.

    one, other: bool (N,), which clips each got right.
    """
    only, but = int((one & ~other).sum()), int((other & ~one).sum())
    count, fewer = only + but, min(only, but)
    tail: float = sum(math.comb(count, i) for i in range(fewer + 1)) / 2**count
    return min(1.0, 2 * tail)


def measure(
    network: VideoNetwork, batches: Iterable[Batch], labels: Tensor
) -> Generator[float, None, ClipEvaluation]:
    """Evaluate a split; yield the share done (0..1).

    Args:
        network: The network; it is put into eval mode.
        batches: Indices, clips and labels of the whole split, in order.
        labels: The split's labels, (N,), on the CPU.
    """
    network.eval()
    answers: list[Tensor] = []
    right = {
        name: torch.zeros(len(labels), dtype=torch.bool) for name in (*network.streams, "both")
    }
    masks = MaskStatistics()
    for index, clips, mine in batches:
        with torch.no_grad():
            output: ClipAttended = network(clips)
        answers.append(output.logits.float().cpu())
        right["both"][index] = answers[-1].argmax(1) == mine.cpu()
        for name, stream in output.streams.items():
            right[name][index] = same(network, name, stream.scores.argmax(1), mine).cpu()
        masks.add(output)
        yield (int(index[-1]) + 1) / len(labels)
    streams: dict[str, float] = {s: right[s].double().mean().item() for s in network.streams}
    whole = summarise(torch.cat(answers), labels, streams)
    return ClipEvaluation(whole, right, masks.summary())


def same(network: VideoNetwork, stream: Stream, predicted: Tensor, labels: Tensor) -> Tensor:
    """Return which classes are the same to a stream, which may have fewer classes of its own."""
    known = (network.spec.class_index or {}).get(stream)
    if known is None:
        return predicted == labels
    index = torch.tensor(known, device=labels.device)
    return index[predicted] == index[labels]


class MaskStatistics:
    """How flat the masks of a split are, on average."""

    def __init__(self) -> None:
        self._sums: dict[tuple[str, str], list[Tensor]] = {}

    def add(self, attended: ClipAttended) -> None:
        """Add the masks of a batch."""
        for stream, output in attended.streams.items():
            for stage, masks in output.masks.items():
                flat = masks.float().mean(2).flatten(0, 1).flatten(1).cpu()
                self._sums.setdefault((stream, stage), []).append(flat)

    def summary(self) -> MaskFacts:
        """Return entropy as a share of a flat mask's; deviation over mean in space and in time."""
        summary: MaskFacts = {}
        for (stream, stage), parts in self._sums.items():
            masks = torch.cat(parts)
            share = masks.clamp_min(0) + 1e-12
            share = share / share.sum(1, keepdim=True)
            entropy = -(share * share.log()).sum(1).mean() / math.log(masks.shape[1])
            size = masks.abs().mean().clamp_min(1e-12)
            summary.setdefault(stream, {})[stage] = {
                "entropy": round(entropy.item(), 4),
                "contrast": round((masks.std(1).mean() / size).item(), 4),
                "varies": round((masks.std(0).mean() / size).item(), 4),
            }
        return summary
