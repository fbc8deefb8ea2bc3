"""How good a network is on a split of photos."""

from __future__ import annotations

from collections.abc import Generator

import torch

from ml.networks.network import Network
from ml.train.evaluation import Evaluation, summarise
from ml.train.ranks import ALONE, Ranks
from ml.train.tasks.photos.data import Images
from ml.train.tasks.photos.frozen_features import EVAL_BATCH, FrozenFeatureCache


def evaluate(
    network: Network, frozen: FrozenFeatureCache, data: Images, start: int, ranks: Ranks = ALONE
) -> Generator[float, None, Evaluation]:
    """Evaluate a whole split, from block `start` on; yield the share done (0..1) by batches."""
    network.eval()
    device = next(network.parameters()).device
    count = len(data.labels)
    rounds, done = -(-count // (EVAL_BATCH * ranks.size)), 0
    logits = torch.zeros(count, len(data.classes))  # sums over ranks fill the gaps
    for index, features, _ in frozen.eval_batches(data, device):
        with torch.no_grad():
            logits[index] = network(features, start=start).logits.float().cpu()
        done += 1
        yield done / rounds
    if done < rounds:  # every rank reports equally often
        yield 1.0
    return summarise(ranks.added(logits), data.labels)
