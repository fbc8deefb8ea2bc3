"""Writes a run's events into rows, in a thread of its own: steps never wait for the database.

Steps are stored in batches, about twice a second, in one short transaction with the progress. The
end of an epoch is stored before the run goes on, so rows are never an epoch behind it. What a kill
leaves unstored is in the run's event log.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import psutil
import torch
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.orm import Session

from app.db import jobs as job_rows
from app.db import training as rows
from ml.train.events import Loading, Ready, Step, Validating
from worker.context import Context

log = logging.getLogger(__name__)
WRITE_SECONDS = 0.5
LOAD_SECONDS = 2.0  # between measurements of the machine's load
Write = Callable[[Session], object]
POINT = ("step", "loss", "accuracy", "lr", "images_per_s")  # the columns of a step


@dataclass
class _Batch:
    """What the next transaction will store."""

    points: list[dict[str, Any]] = field(default_factory=list)  # columns of `POINT`, and the run
    writes: list[Write] = field(default_factory=list)
    dirty: bool = False


class MetricsWriter:
    """A context manager that stores what is added to it in the rows of one run."""

    def __init__(self, context: Context, job_id: str, run_id: str) -> None:
        self._context = context
        self._job_id = job_id
        self._run_id = run_id
        self._process = psutil.Process()
        self._process.cpu_percent()
        self._load: dict[str, Any] = {}
        self._next_load = 0.0
        self._batch = _Batch()
        self._ready: Ready | None = None
        self._step: Step | None = None
        self._loading: Loading | None = None
        self._validating: Validating | None = None
        self._progress = 0.0
        self._changed = threading.Condition()
        self._urgent = False
        self._ended = False
        self._error: Exception | None = None
        self._thread = threading.Thread(target=self._run, name="metrics writer", daemon=True)

    def __enter__(self) -> MetricsWriter:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        with self._changed:
            self._ended = True
            self._changed.notify_all()
        self._thread.join()

    def loading(self, event: Loading) -> None:
        """Report what is done before the first step."""
        with self._changed:
            self._loading, self._batch.dirty = event, True

    def validating(self, event: Validating) -> None:
        """Report the progress of the validation."""
        with self._changed:
            self._validating, self._batch.dirty = event, True

    def ready(self, event: Ready) -> None:
        """Report how long the run is."""
        with self._changed:
            self._ready, self._step, self._batch.dirty = event, None, True
            self._progress = event.first_step / max(1, event.steps)

    def step(self, event: Step) -> None:
        """Add one step; raise what has gone wrong in the thread."""
        point = {"run_id": self._run_id} | {name: getattr(event, name) for name in POINT}
        with self._changed:
            if self._error is not None:
                raise self._error
            self._batch.points.append(point)
            self._step, self._batch.dirty = event, True
            self._validating = None

    def later(self, write: Write) -> None:
        """Add a write to the next transaction."""
        with self._changed:
            self._batch.writes.append(write)
            self._batch.dirty = True

    def note(self, text: str) -> None:
        """Add a line to the log."""
        self.later(lambda session: rows.add_note(session, self._run_id, text))

    def got_further(self) -> None:
        """Reset the job's tries: a state was saved, so this one got further."""
        name = self._context.runtime.name
        self.later(lambda session: job_rows.got_further(session, self._job_id, name))

    def flush(self) -> None:
        """Wait until everything is stored.

        Raises:
            JobLost: The job was cancelled, deleted or reassigned.
            Exception: What has gone wrong in the thread.
        """
        with self._changed:
            self._urgent = True
            self._changed.notify_all()
            while self._error is None and (self._urgent or self._batch.dirty):
                self._changed.wait(0.1)
                self._context.check()
            if self._error is not None:
                raise self._error

    def _run(self) -> None:
        """Store a batch every `WRITE_SECONDS`, and once more at the end."""
        while self._error is None and not self._ended:
            with self._changed:
                self._changed.wait_for(lambda: self._urgent or self._ended, WRITE_SECONDS)
                batch, self._batch = self._batch, _Batch()
            try:
                if batch.dirty:
                    self._store(batch)
            except (OperationalError, InterfaceError) as error:
                log.warning("the database cannot be reached; the run goes on meanwhile: %s", error)
                self._put_back(batch)
                continue
            except Exception as error:  # noqa: BLE001 (raised again in the run's own thread)
                with self._changed:
                    self._error = error
            with self._changed:
                self._urgent = self._urgent and self._batch.dirty
                self._changed.notify_all()

    def _put_back(self, batch: _Batch) -> None:
        with self._changed:
            later = self._batch
            self._batch = _Batch(batch.points + later.points, batch.writes + later.writes, True)
        threading.Event().wait(WRITE_SECONDS)

    def _store(self, batch: _Batch) -> None:
        def write(session: Session) -> None:
            rows.change(session, self._run_id, **self._columns())
            rows.add_points(session, batch.points)
            for later_write in batch.writes:
                later_write(session)

        self._context.commit(self._progress_now(), self._message(), write)

    def _progress_now(self) -> float:
        if self._step is not None:
            self._progress = self._step.step / self._step.steps
        return self._progress

    def _message(self) -> str:
        if self._ready is None:
            loading = self._loading
            return "Starting" if loading is None else f"{loading.what}: {loading.done:.0%}"
        if (validation := self._validating) is not None:
            return f"Validating after epoch {validation.epoch}: {validation.done:.0%}"
        done = self._ready.first_step if self._step is None else self._step.step
        epochs = self._ready.steps // self._ready.steps_per_epoch
        return f"Epoch {min(epochs, done // self._ready.steps_per_epoch + 1)} of {epochs}"

    def _columns(self) -> dict[str, Any]:
        """Return the run's own columns as they are now."""
        columns: dict[str, Any] = {"status": self._status()}
        if self._ready is not None:
            columns |= {"steps": self._ready.steps, "step": self._ready.first_step}
        if self._step is not None:
            columns |= {"step": self._step.step}
        return columns

    def _status(self) -> dict[str, Any]:
        step, device = self._step, None if self._ready is None else self._ready.device
        if time.monotonic() >= self._next_load:
            self._next_load = time.monotonic() + LOAD_SECONDS
            self._load = self._machine(device)
        return {
            "images_per_s": None if step is None else round(step.images_per_s, 2),
            "seconds_left": None if step is None else round(step.seconds_left, 1),
            "lr": None if step is None else step.lr,
            "device": device,
            **self._load,
        }

    def _machine(self, device: str | None) -> dict[str, Any]:
        """Return the load of this process and its children."""
        family = [self._process, *self._process.children(recursive=True)]
        return {
            "cpu_percent": round(self._process.cpu_percent(), 1),
            "memory_bytes": sum(_resident(process) for process in family),
            "gpu_memory_bytes": (
                torch.cuda.memory_reserved() if device and device.startswith("cuda") else None
            ),
        }


def _resident(process: psutil.Process) -> int:
    try:
        return int(process.memory_info().rss)
    except psutil.Error:
        return 0
