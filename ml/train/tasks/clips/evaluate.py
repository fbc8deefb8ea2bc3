"""How good a clip model is: each stream alone, both together, and what its masks say."""

from __future__ import annotations

import math
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from ml.networks.video.base import VideoNetwork
from ml.networks.video.types import ClipAttended, Stream
from ml.train.events import Validating
from ml.train.tasks.photos.evaluate import Evaluation

if TYPE_CHECKING:
    from ml.train.tasks.clips.trainer import ClipTrainer

Z95 = 1.959963984540054
MaskFacts = dict[str, dict[str, dict[str, float]]]


@dataclass(frozen=True)
class Measured:
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
    trainer: ClipTrainer, network: VideoNetwork, segments: int, epoch: int
) -> Generator[Validating, None, Measured]:
    """Evaluate the validation split with so many segments a clip; tell how far it is."""
    network.eval()
    labels = trainer.val.labels
    told = torch.zeros(3, len(labels))
    right = {
        name: torch.zeros(len(labels), dtype=torch.bool) for name in (*network.streams, "both")
    }
    looks = Looks()
    for index, clips, mine in trainer.eval_batches(segments):
        with torch.no_grad():
            attended: ClipAttended = network(clips)
        logits = attended.logits.float()
        confidence, predicted = logits.softmax(1).max(1)
        loss = F.cross_entropy(logits, mine, reduction="none")
        told[:, index] = torch.stack([predicted.float(), confidence, loss]).cpu()
        right["both"][index] = (predicted == mine).cpu()
        for stream, output in attended.streams.items():
            right[stream][index] = same(network, stream, output.scores.argmax(1), mine).cpu()
        looks.add(attended)
        yield Validating(epoch, (int(index[-1]) + 1) / len(labels))
    evaluation = Evaluation(
        loss=told[2].double().mean().item(),
        accuracy=right["both"].double().mean().item(),
        predicted=told[0].numpy().astype(np.uint16),
        confidence=told[1].numpy().astype(np.float16),
        streams={s: right[s].double().mean().item() for s in network.streams},
    )
    return Measured(evaluation, right, looks.facts())


def same(network: VideoNetwork, stream: Stream, predicted: Tensor, labels: Tensor) -> Tensor:
    """Whether classes agree in what the stream knows: its own classes, where it has others."""
    known = (network.spec.class_index or {}).get(stream)
    if known is None:
        return predicted == labels
    index = torch.tensor(known, device=labels.device)
    return index[predicted] == index[labels]


class Looks:
    """Means over all masks that were seen."""

    def __init__(self) -> None:
        self._sums: dict[tuple[str, str], list[Tensor]] = {}

    def add(self, attended: ClipAttended) -> None:
        """Take in the masks of a batch."""
        for stream, output in attended.streams.items():
            for stage, masks in output.masks.items():
                flat = masks.float().mean(2).flatten(0, 1).flatten(1).cpu()
                self._sums.setdefault((stream, stage), []).append(flat)

    def facts(self) -> MaskFacts:
        """Entropy of a mask as a share of a flat one's; deviation over mean, in space and time."""
        found: MaskFacts = {}
        for (stream, stage), parts in self._sums.items():
            masks = torch.cat(parts)
            share = masks.clamp_min(0) + 1e-12
            share = share / share.sum(1, keepdim=True)
            entropy = -(share * share.log()).sum(1).mean() / math.log(masks.shape[1])
            size = masks.abs().mean().clamp_min(1e-12)
            found.setdefault(stream, {})[stage] = {
                "entropy": round(entropy.item(), 4),
                "contrast": round((masks.std(1).mean() / size).item(), 4),
                "varies": round((masks.std(0).mean() / size).item(), 4),
            }
        return found
