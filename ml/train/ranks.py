"""The processes (ranks) of one run: this one's share of a batch, and sums over all of them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
import torch.distributed as dist
from torch import Tensor


@dataclass(frozen=True)
class Ranks:
    """This process's number, and the number of processes; one process does everything."""

    rank: int = 0
    size: int = 1

    def share(self, count: int) -> slice:
        """Return this rank's part of `count` items; parts differ by at most one."""
        return slice(count * self.rank // self.size, count * (self.rank + 1) // self.size)

    def weight(self, count: int) -> float:
        """Return the weight of this rank's mean when gradients are averaged over ranks."""
        part = self.share(count)
        images: int = part.stop - part.start
        return images * self.size / count

    def sums(self, *values: float) -> list[float]:
        """Sum each value over all ranks, in double precision."""
        if self.size == 1:
            return list(values)
        total = torch.tensor(values, dtype=torch.float64, device=_device())
        dist.all_reduce(total)
        summed: list[float] = total.tolist()
        return summed

    def added(self, tensor: Tensor) -> Tensor:
        """Sum a tensor over all ranks."""
        if self.size == 1:
            return tensor
        total = tensor.to(_device())
        dist.all_reduce(total)
        return total.to(tensor.device)

    @contextmanager
    def first(self) -> Iterator[None]:
        """Run the body in rank 0 first: it fills the caches that the others then read."""
        if self.rank > 0:
            dist.barrier()
        yield
        if self.size > 1 and self.rank == 0:
            dist.barrier()


ALONE = Ranks()


def _device() -> str:
    return "cuda" if dist.get_backend() == "nccl" else "cpu"
