"""The only Celery task: a doorbell that names a job.

Jobs of the inference queue run as they are named. In the other queues a message only means one
job more: the next in line runs, so that an admin can reorder them.
"""

from __future__ import annotations

from typing import Any

from app.db import jobs as rows
from app.jobs.doorbell import TASK
from app.jobs.parameters import INFERENCE
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

    @app.task(name=TASK)  # type: ignore[untyped-decorator]
    def run(job_id: str) -> None:
        answer(runtime(), job_id)


def answer(runtime: Runtime, job_id: str) -> None:
    """Run the job, or the next one of its queue."""
    with runtime.readers() as session:
        job = rows.get(session, job_id)
    if job is None:
        return  # deleted; whatever else waits has its own message
    if job.queue == INFERENCE:
        runner.run(runtime, job_id)
    else:
        runner.run_next(runtime, job.queue)
