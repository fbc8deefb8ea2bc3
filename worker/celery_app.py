"""`celery -A worker.celery_app worker -P solo -Q inference`: the worker of `QUEUE=celery`.

`-Q training` trains; `-Q preparation` imports data, estimates costs and converts clips.
"""

from __future__ import annotations

import logging
import os
import secrets
import socket
from typing import Any

from celery.signals import worker_init, worker_shutdown, worker_shutting_down

from app.core.logging import setup_logging
from app.core.privacy import forbid_inspection
from app.core.settings import Settings
from app.jobs.doorbell import CeleryDoorbell, make_celery
from app.jobs.parameters import INFERENCE
from ml import allocator
from worker import beats, tasks
from worker.runtime import make_runtime

log = logging.getLogger(__name__)
settings = Settings()
app = make_celery(settings.broker_url)
tasks.register(app)


@worker_init.connect  # type: ignore[untyped-decorator]
def start(sender: Any, **_: Any) -> None:
    """Set up the runtime before the first message, in the process that runs tasks (`-P solo`)."""
    forbid_inspection()
    setup_logging(settings, "worker")
    allocator.tune()
    name = f"celery:{socket.gethostname()[:64]}:{os.getpid()}:{secrets.token_hex(4)}"
    try:
        queues = list(sender.app.amqp.queues.consume_from)
        runtime = make_runtime(settings, name, CeleryDoorbell(settings.broker_url), queues)
        while INFERENCE in queues and runtime.models.load_next():
            pass
        beats.start(runtime, queues)
    except Exception:
        # Celery would log it and continue, and every job would then fail.
        log.exception("the worker cannot start")
        raise SystemExit(1) from None
    tasks.use(runtime)


@worker_shutting_down.connect  # type: ignore[untyped-decorator]
def give_back(**_: Any) -> None:
    """Stop the current job, which goes back to the queue for another worker."""
    tasks.runtime().stopping.set()


@worker_shutdown.connect  # type: ignore[untyped-decorator]
def end(**_: Any) -> None:
    """Stop the decoding process."""
    tasks.runtime().decoder.close()
