"""A network that averages its gradients over the processes of a run."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn.parallel import DistributedDataParallel


def wrap(network: nn.Module, device: torch.device) -> nn.Module:
    """Wrap a network that is on its device.

    On GPUs every BatchNorm becomes a SyncBatchNorm, in place: it takes its statistics over the
    whole batch. torch has none for CPUs, where each process takes those of its share.
    """
    on_gpu = device.type == "cuda"
    if on_gpu:
        nn.SyncBatchNorm.convert_sync_batchnorm(network)  # type: ignore[no-untyped-call]
    return DistributedDataParallel(
        network,
        device_ids=[device] if on_gpu else None,
        find_unused_parameters=True,  # a module may leave one out, as in a single process
    )
