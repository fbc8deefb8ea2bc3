"""Doorbells: messages that tell a worker to look at the jobs table. Losing one is harmless."""

from __future__ import annotations

import contextlib
import logging
import os
import threading
from functools import partial
from typing import Any, Protocol

from sqlalchemy.orm import Session, sessionmaker

from app.core.settings import Settings
from app.db.hooks import after_commit
from app.db.tables import Job

log = logging.getLogger(__name__)
TASK = "sightline.run"


class Doorbell(Protocol):
    """Tells the workers of a queue that a job is waiting."""

    def ring(self, queue: str, job_id: str) -> None:
        """Send the message; called after the job's row has been committed."""
        ...


class LocalDoorbell:
    """Writes a byte to the pipes of the workers that supervisors have attached."""

    def __init__(self) -> None:
        self._pipes: dict[str, set[int]] = {}
        self._unheard: dict[str, threading.Event] = {}
        self._lock = threading.Lock()

    def attach(self, queue: str, pipe: int) -> None:
        """Ring this file descriptor for `queue`, too, from now on."""
        with self._lock:
            os.set_blocking(pipe, False)
            self._pipes.setdefault(queue, set()).add(pipe)

    def detach(self, queue: str, pipe: int) -> None:
        """Ring this file descriptor no more, before it is closed."""
        with self._lock:
            self._pipes.get(queue, set()).discard(pipe)

    def attached(self, queue: str) -> bool:
        """Whether a worker of this queue is running."""
        with self._lock:
            return bool(self._pipes.get(queue))

    def unheard(self, queue: str) -> threading.Event:
        """Return the event that a ring sets if no worker of the queue is running."""
        with self._lock:
            return self._unheard.setdefault(queue, threading.Event())

    def ring(self, queue: str, job_id: str) -> None:  # noqa: ARG002 (the worker reads the table)
        """Wake all workers; one that is just starting reads the table anyway."""
        unheard = self.unheard(queue)
        with self._lock:
            pipes = self._pipes.get(queue, set())
            for pipe in tuple(pipes):
                try:
                    os.write(pipe, b"\n")
                except BlockingIOError:
                    pass  # the pipe is full of rings: the worker will wake
                except OSError:
                    pipes.discard(pipe)
            if not pipes:
                unheard.set()


class RelayDoorbell:
    """Asks the process that has the local workers to ring: for one web process of several.

    Args:
        pipe: Where that process reads, in `relay`.
    """

    def __init__(self, pipe: int) -> None:
        os.set_blocking(pipe, False)
        self._pipe = pipe

    def ring(self, queue: str, job_id: str) -> None:  # noqa: ARG002 (the worker reads the table)
        """Send the queue's name; a full pipe has woken everybody already."""
        with contextlib.suppress(BlockingIOError):
            os.write(self._pipe, f"{queue}\n".encode())


def relay(pipe: int, doorbell: Doorbell) -> None:
    """Ring for each queue that web processes send, until they have all closed the pipe."""
    with os.fdopen(pipe, "r", encoding="ascii") as lines:
        for line in lines:
            doorbell.ring(line.strip(), "")


class CeleryDoorbell:
    """Sends a Celery message; Celery is imported at the first ring, to keep the web small."""

    def __init__(self, broker_url: str) -> None:
        self._broker_url = broker_url
        self._app: Any = None
        self._lock = threading.Lock()

    def ring(self, queue: str, job_id: str) -> None:
        """Send `sightline.run(job_id)`; an unreachable broker fails within seconds."""
        with self._lock:
            self._app = self._app or make_celery(self._broker_url)
        self._app.send_task(TASK, [job_id], queue=queue, retry=False, ignore_result=True)


def make_celery(broker_url: str) -> Any:
    """Create the Celery application that both the web and the workers use."""
    from celery import Celery

    app = Celery("sightline", broker=broker_url)
    app.conf.update(
        task_ignore_result=True,
        worker_prefetch_multiplier=1,
        broker_connection_retry_on_startup=True,
        broker_transport_options={"socket_connect_timeout": 2, "socket_timeout": 5},
        worker_hijack_root_logger=False,
    )
    return app


def make_doorbell(settings: Settings) -> LocalDoorbell | CeleryDoorbell:
    """Return the doorbell that `QUEUE` selects."""
    if settings.queue == "celery":
        return CeleryDoorbell(settings.broker_url)
    return LocalDoorbell()


def attach(sessions: sessionmaker[Session], doorbell: Doorbell) -> None:
    """Make the jobs that these sessions enqueue ring this doorbell."""
    sessions.configure(info={"doorbell": doorbell})


def ring_after_commit(session: Session, job: Job) -> None:
    """Ring for a job once the session's transaction is committed."""
    doorbell: Doorbell | None = session.info.get("doorbell")
    if doorbell is not None:
        after_commit(session, partial(_ring_quietly, doorbell, job.queue, job.id))


def _ring_quietly(doorbell: Doorbell, queue: str, job_id: str) -> None:
    """Ring; an unreachable broker is logged, and the reaper rings again later."""
    try:
        doorbell.ring(queue, job_id)
    except Exception as error:  # noqa: BLE001 (whatever the broker raises, the row is safe)
        log.warning("cannot ring the doorbell of %s for job %s: %s", queue, job_id, error)
