"""A network that averages its gradients over the processes of a run."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from ml.networks.types import Attended


def wrap(network: nn.Module, device: torch.device) -> nn.Module:
    """Wrap a network that is on its device.

    On GPUs every BatchNorm becomes a SyncBatchNorm, in place: it takes its statistics over the
    whole batch. torch has none for CPUs, where each process takes those of its share.
    """
    on_gpu = device.type == "cuda"
    if on_gpu:
        nn.SyncBatchNorm.convert_sync_batchnorm(network)  # type: ignore[no-untyped-call]
    return DistributedDataParallel(
        _ForLoss(network),
        device_ids=[device] if on_gpu else None,
        find_unused_parameters=True,  # a module may leave one out, as in a single process
    )


class _ForLoss(nn.Module):
    """A network that returns what the loss reads, and nothing else.

    DistributedDataParallel waits for the gradients of all that the output depends on, and would
    share none of a block that only `pooled` or a mask comes from.
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: Tensor, start: int = 0) -> Attended:
        """As the network, without masks and pooled features."""
        attended: Attended = self.network(images, start)
        return replace(attended, masks={}, pooled=None)
