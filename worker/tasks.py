"""The only Celery task: a doorbell that names a job.

It means one job more in its queue: the next in line runs, whichever the message names, so that
visitors take turns and an admin can reorder training.
"""

from __future__ import annotations

from typing import Any

from app.db import jobs as rows
from app.jobs.doorbell import TASK
from worker import runner
from worker.runtime import Runtime

_runtime: Runtime | None = None


def use(runtime: Runtime) -> None:
    """Set the runtime of this process's tasks."""
    global _runtime
    _runtime = runtime


def runtime() -> Runtime:
    """Return what `use` was given."""
    if _runtime is None:
        raise RuntimeError("this worker is not ready: start it with `-P solo`")
    return _runtime


def register(app: Any) -> None:
    """Make the task known to a Celery application."""

    @app.task(name=TASK, bind=True)  # type: ignore[untyped-decorator]
    def run(task: Any, job_id: str) -> None:
        delivery = task.request.delivery_info or {}
        answer(runtime(), job_id, delivery.get("routing_key"))


def answer(runtime: Runtime, job_id: str, queue: str | None = None) -> None:
    """Run the next job of the queue, by default that of the job, which may be gone by now."""
    if queue is None:
        with runtime.readers() as session:
            job = rows.get(session, job_id)
        queue = job.queue if job is not None else None
    if queue is not None:
        runner.run_next(runtime, queue)
