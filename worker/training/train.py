"""Job `train`: one run, from its saved state to its end."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from app.core.errors import NotFound, SightlineError
from app.db import training as rows
from app.db.training_tables import TrainingRun
from app.jobs.parameters import TrainJob
from app.training.files import remove_run
from ml.errors import MlError
from ml.train.event_log import EventLog
from ml.train.events import EpochEnd, Step
from ml.train.spec import RunSpec
from ml.train.start import train as training
from worker.context import Context, JobLost
from worker.handlers import handles
from worker.training import run_spec
from worker.training.event_handler import RunEventHandler
from worker.training.metrics_writer import MetricsWriter

LOCK = "lock"
POLL_SECONDS = 0.05


@handles(TrainJob)
def train(params: TrainJob, context: Context) -> None:
    """Train from the last saved state on; a try that ends early saves one for the next."""
    runtime, run_id = context.runtime, params.run_id
    with runtime.readers() as session:
        run = rows.run(session, run_id)
        if run is None:
            raise NotFound("The run was deleted.")
        if run.summary is not None:
            return  # the worker was lost after the very last transaction
        spec = run_spec.of_run(runtime, session, run)
    try:
        with alone(spec.folder, context):
            _follow(run, spec, context)
        shutil.rmtree(spec.folder, ignore_errors=True)
    except JobLost:
        _forget_if_deleted(context, run_id)
        raise


@contextmanager
def alone(folder: Path, context: Context) -> Iterator[None]:
    """Lock the folder, once no other process works in it.

    A run may be given to another worker while the one that had it is still saving its state.
    """
    lock = FileLock(folder / LOCK)
    while not lock.is_locked:
        folder.mkdir(parents=True, exist_ok=True)  # the other process removes it when it is done
        try:
            lock.acquire(blocking=False)
        except Timeout:
            context.check()
            time.sleep(POLL_SECONDS)
    try:
        yield
    finally:
        lock.release()


def _follow(run: TrainingRun, spec: RunSpec, context: Context) -> None:
    with (
        MetricsWriter(context, run.job_id, run.id) as metrics,
        closing(training(spec)) as events,  # closing it saves the state
    ):
        handler = RunEventHandler(run, spec, metrics, context)
        _recover(run.id, spec, handler, metrics, context)
        try:
            for event in events:
                handler.handle(event)
                context.check()
        except (MlError, SightlineError) as error:
            metrics.note(f"Failed: {error.detail}")
            raise
        metrics.flush()


def _recover(
    run_id: str, spec: RunSpec, handler: RunEventHandler, metrics: MetricsWriter, context: Context
) -> None:
    """Store the steps and epochs that an earlier try logged but did not live to store."""
    with context.runtime.readers() as session:
        last_step = rows.last_point(session, run_id)
        epochs = {epoch.epoch for epoch in rows.epochs(session, run_id)}
    with closing(EventLog(spec.folder)) as log:
        for event in log.read():
            if isinstance(event, Step) and event.step > last_step:
                metrics.step(event)
            elif isinstance(event, EpochEnd) and event.epoch not in epochs:
                handler.handle(event)
    metrics.flush()


def _forget_if_deleted(context: Context, run_id: str) -> None:
    """Remove what was written after somebody had deleted the run."""
    with context.runtime.readers() as session:
        deleted = rows.run(session, run_id) is None
    if deleted:
        remove_run(context.runtime.settings, context.runtime.blobs, run_id)
