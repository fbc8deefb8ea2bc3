"""`python -m ml.train.parallel.worker SPEC`: one process of a run on several devices.

torchrun starts it. Rank 0 writes what happens to a file beside the specification. If standard input
ends, the run saves its state and stops: that is how the parent asks for it, also by dying.
"""

from __future__ import annotations

import os
import sys
import threading
import traceback
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import torch
import torch.distributed as dist

from ml import allocator
from ml.train.events import EpochEnd, Event, Loading, Step, Validating
from ml.train.parallel.event_log import EventWriter, read_spec, write_failure
from ml.train.ranks import Ranks
from ml.train.run import train_rank
from ml.train.spec import RunSpec

PATIENCE = timedelta(hours=6)  # while one rank decodes a large data set, the others wait


class Parent:
    """Reads standard input, where the parent sends a byte for each epoch that it has handled."""

    def __init__(self) -> None:
        self.gone = threading.Event()
        self._taken = threading.Semaphore(0)
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        while os.read(0, 1):
            self._taken.release()
        self.gone.set()
        self._taken.release()

    def wait(self) -> None:
        """Wait until the parent has handled the epoch, so that no saved state is ahead of it."""
        self._taken.acquire()
        if self.gone.is_set():
            self._taken.release()


def main(path: Path) -> int:
    """Run this rank; return 1 if it failed, with the reason in a file beside `path`."""
    allocator.tune()
    ranks = Ranks(int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"]))
    try:
        _work(read_spec(path), path.parent, ranks)
    except Exception as error:  # noqa: BLE001 (the parent raises it again)
        write_failure(path.parent, ranks.rank, error, traceback.format_exc())
        sys.stderr.flush()
        os._exit(1)  # peers may hang in a collective that will never end
    return 0


def _work(spec: RunSpec, folder: Path, ranks: Ranks) -> None:
    device = _device(spec, int(os.environ["LOCAL_RANK"]))
    dist.init_process_group("nccl" if device.startswith("cuda") else "gloo", timeout=PATIENCE)
    events = train_rank(spec, ranks, device)
    if ranks.rank == 0:
        parent, writer = Parent(), EventWriter(folder)
        for event in _until(parent, events, ranks):
            writer.write(event)
            if isinstance(event, EpochEnd):
                parent.wait()
    else:
        for _ in _until(None, events, ranks):
            pass
    dist.barrier()
    dist.destroy_process_group()


def _device(spec: RunSpec, local: int) -> str:
    if spec.device == "cpu" or not torch.cuda.is_available():
        return "cpu"
    torch.cuda.set_device(local)
    return f"cuda:{local}"


def _until(parent: Parent | None, events: Iterator[Event], ranks: Ranks) -> Iterator[Event]:
    """Yield the events; if the parent is gone, all ranks stop after the same one."""
    for event in events:
        yield event
        stopping = parent is not None and parent.gone.is_set()
        if isinstance(event, Loading) and stopping:
            os._exit(0)  # the others wait for this rank; nothing is to be saved yet
        if isinstance(event, Step | Validating) and ranks.sums(float(stopping))[0]:
            events.close()  # type: ignore[attr-defined]
            return


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
