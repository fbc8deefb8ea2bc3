"""A network whose ranks compute on shares of one batch as a single process does on all of it.

On a GPU torch's SyncBatchNorm takes the statistics over all ranks. It does not work on a CPU, so
there BatchNorm is done here, with the sums over ranks in the graph. Dropout draws for the whole
batch and uses its share.
"""

from __future__ import annotations

from typing import Any, cast

import torch
import torch.distributed as dist
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from ml.train.ranks import Ranks


class _Sum(torch.autograd.Function):
    """Sum over ranks; each rank's loss depends on the sum, so gradients are summed too."""

    @staticmethod
    def forward(_context: Any, tensor: Tensor) -> Tensor:
        total = tensor.clone()
        dist.all_reduce(total)
        return total

    @staticmethod
    def backward(_context: Any, gradient: Tensor) -> Tensor:
        total = gradient.clone()
        dist.all_reduce(total)
        return total


def _sum(tensor: Tensor) -> Tensor:
    return cast(Tensor, _Sum.apply(tensor))


class AcrossRanks(nn.BatchNorm2d):
    """BatchNorm with mean and variance over the batches of all ranks; sums in double precision."""

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002 (the base class's name)
        """(B, C, h, w) -> the same shape."""
        if not self.training:
            return super().forward(input)
        x = input.double()
        here = torch.full((1,), x.numel() / x.shape[1], dtype=x.dtype)
        total = _sum(torch.cat([x.sum((0, 2, 3)), here]))
        count = total[-1].detach()
        mean = total[:-1] / count
        centred = x - mean.view(1, -1, 1, 1)
        variance = _sum(centred.square().sum((0, 2, 3))) / count
        self._remember(mean.detach(), variance.detach() * count / (count - 1))
        scaled = centred * (variance + self.eps).rsqrt().view(1, -1, 1, 1)
        out = scaled * self.weight.double().view(1, -1, 1, 1) + self.bias.double().view(1, -1, 1, 1)
        return out.to(input.dtype)

    @torch.no_grad()
    def _remember(self, mean: Tensor, variance: Tensor) -> None:
        assert self.running_mean is not None
        assert self.running_var is not None
        assert self.num_batches_tracked is not None
        assert self.momentum is not None
        self.running_mean.lerp_(mean.to(self.running_mean.dtype), self.momentum)
        self.running_var.lerp_(variance.to(self.running_var.dtype), self.momentum)
        self.num_batches_tracked.add_(1)


class ShareOfDropout(nn.Module):
    """Dropout that draws for the whole batch, as a single process would, and uses its share."""

    def __init__(self, p: float, share: slice, whole: int) -> None:
        super().__init__()
        self.p, self.share, self.whole = p, share, whole

    def forward(self, x: Tensor) -> Tensor:
        """(b, ...) -> the same shape."""
        if not self.training or not self.p:
            return x
        ones = torch.ones((self.whole, *x.shape[1:]), dtype=x.dtype, device=x.device)
        return x * F.dropout(ones, self.p)[self.share]


def convert(network: nn.Module, ranks: Ranks, batch: int, device: torch.device) -> None:
    """Replace every BatchNorm and dropout in place; parameters and their names stay."""
    for name, child in network.named_children():
        if isinstance(child, nn.BatchNorm2d):
            setattr(network, name, _norm(child, device))
        elif isinstance(child, nn.Dropout):
            setattr(network, name, ShareOfDropout(child.p, ranks.share(batch), batch))
        else:
            convert(child, ranks, batch, device)


def _norm(norm: nn.BatchNorm2d, device: torch.device) -> nn.Module:
    if device.type == "cuda":
        return cast(nn.Module, nn.SyncBatchNorm.convert_sync_batchnorm(norm))  # type: ignore[no-untyped-call]
    new = AcrossRanks(norm.num_features, eps=norm.eps, momentum=norm.momentum)
    new.weight, new.bias = norm.weight, norm.bias
    new.running_mean, new.running_var = norm.running_mean, norm.running_var
    new.num_batches_tracked = norm.num_batches_tracked
    return new


def wrap(network: nn.Module, device: torch.device) -> nn.Module:
    """Return the network as one that averages its gradients over ranks after each backward."""
    return DistributedDataParallel(
        network,
        device_ids=[device] if device.type == "cuda" else None,
        broadcast_buffers=False,  # the same on every rank, since the statistics are shared
        find_unused_parameters=True,  # a module may leave one out, as in a single process
    )
