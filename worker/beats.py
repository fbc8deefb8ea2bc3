"""A worker of Celery writes that it lives, for `/readyz`: nobody else watches its process."""

from __future__ import annotations

import logging
import threading
from collections.abc import Collection

from sqlalchemy.exc import SQLAlchemyError

from app.db import capabilities
from worker.runtime import Runtime

log = logging.getLogger(__name__)
BEAT_SECONDS = 10.0


def start(runtime: Runtime, queues: Collection[str]) -> None:
    """Write a beat now, and from a thread until this process ends, also while a job runs."""
    _beat(runtime, queues)
    threading.Thread(target=_run, args=(runtime, queues), name="beats", daemon=True).start()


def _run(runtime: Runtime, queues: Collection[str]) -> None:
    while not runtime.stopping.wait(BEAT_SECONDS):
        _beat(runtime, queues)


def _beat(runtime: Runtime, queues: Collection[str]) -> None:
    try:
        with runtime.sessions.begin() as session:
            capabilities.beat(session, queues)
    except SQLAlchemyError:
        log.warning("this worker cannot write that it lives: the database is unreachable")
