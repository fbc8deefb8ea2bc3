"""How good a network is on a split, image by image."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F

from ml.networks.network import Network
from ml.train.parallel.ranks import ALONE, Ranks
from ml.train.tasks.photos.data import Images
from ml.train.tasks.photos.frozen_features import EVAL_BATCH, Prefix


@dataclass(frozen=True)
class Evaluation:
    """Mean cross-entropy and accuracy; each image's class [N] and its probability [N].

    streams: the accuracy of each stream of a clip model alone.
    """

    loss: float
    accuracy: float
    predicted: npt.NDArray[np.uint16]
    confidence: npt.NDArray[np.float16]
    streams: Mapping[str, float] = field(default_factory=dict)


def evaluate(
    network: Network, prefix: Prefix, data: Images, start: int, ranks: Ranks = ALONE
) -> Generator[float, None, Evaluation]:
    """Evaluate a whole split, from block `start` on; yield how far it is (0..1) batch by batch."""
    network.eval()
    device = next(network.parameters()).device
    count = len(data.labels)
    rounds, done = -(-count // (EVAL_BATCH * ranks.size)), 0
    told = torch.zeros(3, count)  # class, confidence, cross-entropy: sums over ranks fill the gaps
    for index, features, labels in prefix.eval_batches(data, device):
        with torch.no_grad():
            logits = network(features, start=start).logits.float()
            loss = F.cross_entropy(logits, labels, reduction="none")
            confidence, predicted = logits.softmax(1).max(1)
        told[:, index] = torch.stack([predicted.float(), confidence, loss]).cpu()
        done += 1
        yield done / rounds
    if done < rounds:  # every rank tells equally often
        yield 1.0
    told = ranks.added(told)
    predicted = told[0].long()
    return Evaluation(
        loss=told[2].double().mean().item(),
        accuracy=(predicted == data.labels).double().mean().item(),
        predicted=predicted.numpy().astype(np.uint16),
        confidence=told[1].numpy().astype(np.float16),
    )
