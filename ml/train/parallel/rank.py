"""One process of a run on several devices."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Generator
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta
from multiprocessing.context import SpawnContext
from multiprocessing.queues import SimpleQueue
from multiprocessing.synchronize import Event as Flag

import torch
import torch.distributed as dist

from ml import allocator
from ml.errors import MlError
from ml.train.events import Event, Loading, Step, Validating
from ml.train.ranks import Ranks
from ml.train.run import train_rank
from ml.train.spec import RunSpec

PATIENCE = timedelta(hours=6)  # while one rank decodes a large data set, the others wait


@dataclass(frozen=True)
class Channel:
    """Between the process that started a run and its ranks.

    Attributes:
        stop: Set when the ranks are to save the run's state and end.
        failures: The sentences of ranks that failed with an MlError.
    """

    stop: Flag
    failures: SimpleQueue[str]

    @classmethod
    def open(cls, context: SpawnContext) -> Channel:
        """Return a new one."""
        return cls(context.Event(), context.SimpleQueue())


def run_rank(rank: int, spec: RunSpec, store: str, channel: Channel) -> None:
    """Do a rank's share of a run.

    Args:
        rank: Number of this process.
        spec: The run.
        store: A file through which the ranks find one another.
        channel: To the process that started them.
    """
    os.setsid()  # Ctrl-C is for the parent, which asks all ranks to stop
    # torch has the kernel send SIGINT if the parent dies. As an exception it would wait for the
    # peers in whatever collective this rank is in; by default it ends the process at once.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    allocator.tune()
    if "OMP_NUM_THREADS" not in os.environ:
        torch.set_num_threads(1)  # as torchrun does: the ranks share the processors
    ranks, device = Ranks(rank, spec.devices), _device(spec, rank)
    dist.init_process_group(
        "nccl" if device.startswith("cuda") else "gloo",
        store=dist.FileStore(store, ranks.size),  # type: ignore[attr-defined]
        rank=rank,
        world_size=ranks.size,
        timeout=PATIENCE,
    )
    try:
        with closing(train_rank(spec, ranks, device)) as events:
            _work(events, ranks, channel)
    except MlError as error:
        channel.failures.put(error.detail)
        raise
    dist.barrier()
    dist.destroy_process_group()


def _device(spec: RunSpec, rank: int) -> str:
    if spec.device == "cpu" or not torch.cuda.is_available():
        return "cpu"
    torch.cuda.set_device(rank)
    return f"cuda:{rank}"


def _work(events: Generator[Event, None, None], ranks: Ranks, channel: Channel) -> None:
    """Train to the end; if the run is to stop, all ranks do after the same event."""
    for event in events:
        stopping = ranks.rank == 0 and channel.stop.is_set()
        if isinstance(event, Loading) and stopping:
            sys.exit(1)  # nothing is to be saved yet; the others wait for this rank, and are ended
        if isinstance(event, Step | Validating) and ranks.sums(float(stopping))[0]:
            return
