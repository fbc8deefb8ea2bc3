"""The batch size that batch size 0 chooses: what fits, and leaves enough steps an epoch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import psutil
import torch
import torch.nn.functional as F

from ml.errors import MlError
from ml.networks.network import build_network
from ml.train.config import TrainConfig
from ml.train.ranks import ALONE, Ranks

AT_MOST = {"cpu": 64, "cuda": 256}
STEPS = 8  # an epoch should have, at least
BYTES_PER_PIXEL = 1650  # tensors kept for backward, nothing frozen; counted for plain and residual
SHARE = 0.5  # of the free memory that a step may take


def with_batch_size(
    config: TrainConfig, count: int, device: str, ranks: Ranks = ALONE
) -> TrainConfig:
    """Return the configuration with the batch size for `count` training images.

    A batch is never larger than the data.

    Raises:
        MlError: There are fewer than two images, or fewer than one for each rank.
    """
    if count < max(2, ranks.size):
        raise MlError(f"{count} training image(s) are too few: {max(2, ranks.size)} are needed.")
    if config.batch_size:
        size = min(config.batch_size, count)
    else:
        size = int(ranks.sums(_chosen(config, count, device, ranks) if ranks.rank == 0 else 0)[0])
    if size < ranks.size:
        raise MlError(f"A batch of {size} cannot be shared by {ranks.size} devices.")
    return replace(config, batch_size=size)


def most_at_once(device: str) -> int:
    """Return the largest batch that batch size 0 chooses."""
    return AT_MOST.get(torch.device(device).type, 64)


def _chosen(config: TrainConfig, count: int, device: str, ranks: Ranks) -> int:
    kind = torch.device(device).type
    most = most_at_once(device)
    while most > 2 and count // most < STEPS:
        most //= 2
    fits = _tried(config, device) if kind == "cuda" else _estimated(config)
    while most > 2 and not fits(-(-most // ranks.size)):
        most //= 2
    return max(most, 2, ranks.size)


def _estimated(config: TrainConfig) -> Callable[[int], bool]:
    free = psutil.virtual_memory().available
    return lambda size: size * config.size**2 * BYTES_PER_PIXEL < free * SHARE


def _tried(config: TrainConfig, device: str) -> Callable[[int], bool]:
    """Return a function that runs one step of n images, and is true if memory sufficed."""

    def fits(size: int) -> bool:
        torch.cuda.reset_peak_memory_stats(device)  # an earlier run of this process had its own
        try:
            network = build_network(config.spec(10)).to(device)
            images = torch.zeros(size, 3, config.size, config.size, device=device)
            with torch.autocast("cuda", enabled=config.amp):
                logits = network(images).logits
                loss = F.cross_entropy(logits, torch.zeros(size, dtype=torch.long, device=device))
            torch.autograd.backward(loss)
        except torch.OutOfMemoryError:
            return False
        else:
            return torch.cuda.max_memory_allocated(device) < SHARE * 1.6 * _gpu_bytes(device)
        finally:
            torch.cuda.empty_cache()
            torch.cuda.reset_peak_memory_stats(device)

    return fits


def _gpu_bytes(device: str) -> int:
    return int(torch.cuda.get_device_properties(device).total_memory)
