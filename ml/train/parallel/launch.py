"""A run on several devices of this machine: a process each, started and watched by torch.

`torch.multiprocessing.start_processes` starts the ranks, reports the first that fails, ends the
others, and on Linux lets no rank outlive this process, however it ends. What it lacks is here: a
way to ask the ranks to save and stop, and the sentence of a rank's MlError (it passes on only the
text of a traceback).
"""

from __future__ import annotations

import multiprocessing
import shutil
import signal
from collections.abc import Generator, Iterator
from contextlib import closing, suppress
from dataclasses import replace
from pickle import UnpicklingError

import torch
from torch.multiprocessing.spawn import (
    ProcessContext,
    ProcessException,
    ProcessRaisedException,
    start_processes,
)

from ml.errors import MlError
from ml.train.event_log import EventLog
from ml.train.events import Event
from ml.train.failures import user_errors
from ml.train.parallel.rank import Channel, run_rank
from ml.train.spec import RunSpec

FOLDER = "ranks"  # of what the processes share, inside the run's own
POLL = 0.02  # seconds
GRACE = 120.0  # seconds in which the ranks save their state when the run is stopped
# What torch raises for a failed rank; the last two if it was ended while it wrote its traceback.
FAILURES = (ProcessException, EOFError, UnpicklingError)


def train(spec: RunSpec) -> Generator[Event, None, None]:
    """Yield a run's events, as `ml.train.run.train_rank` does for one device.

    Raises:
        MlError: A rank failed with one, or was killed; the run can be resumed.
    """
    if spec.device != "cpu" and 0 < torch.cuda.device_count() < spec.devices:
        raise MlError(f"There are {torch.cuda.device_count()} GPUs here, not {spec.devices}.")
    folder = spec.folder / FOLDER
    with user_errors():
        shutil.rmtree(folder, ignore_errors=True)  # of a try that was killed
        folder.mkdir(parents=True)
        try:
            yield from _follow(replace(spec, cache=spec.cache or folder / "cache"))
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def _follow(spec: RunSpec) -> Iterator[Event]:
    channel = Channel.open(multiprocessing.get_context("spawn"))
    store = str(spec.folder / FOLDER / "store")
    with closing(EventLog(spec.folder)) as log:
        log.clear()
        ranks = start_processes(  # type: ignore[no-untyped-call]
            run_rank, (spec, store, channel), nprocs=spec.devices, join=False, daemon=True
        )
        try:
            ended = False
            while not ended:
                ended = ranks.join(POLL)
                yield from log.read()
        except FAILURES as error:
            raise _reason(ranks, channel, error) from error
        finally:
            _stop(ranks, channel)


def _stop(ranks: ProcessContext, channel: Channel) -> None:
    """Ask the ranks to save and stop, if they still run; kill them after `GRACE`."""
    channel.stop.set()
    with suppress(*FAILURES):
        any(ranks.join(GRACE) for _ in ranks.processes)  # a call returns when one more has ended
    for process in ranks.processes:
        process.kill()
        process.join()


def _reason(ranks: ProcessContext, channel: Channel, error: Exception) -> Exception:
    """Return the error of a failed run: a rank's own, or a sentence if one was killed."""
    if not channel.failures.empty():
        return MlError(channel.failures.get())
    # torch ends the others with SIGTERM, and one that lost its peer may be reported first
    killed = any(rank.exitcode < 0 and rank.exitcode != -signal.SIGTERM for rank in ranks.processes)
    if isinstance(error, ProcessRaisedException) and not killed:
        return error
    return MlError(
        f"One of the run's {len(ranks.processes)} processes was killed, or its machine ran out of "
        "memory. Resume: the run goes on from the last state that was saved."
    )
