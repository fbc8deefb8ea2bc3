"""Claims jobs and runs them."""

from __future__ import annotations

import logging
import traceback

from sqlalchemy.exc import InterfaceError, OperationalError

from app.core.errors import SightlineError
from app.db import jobs as rows
from app.db import turns
from app.db.tables import Job
from app.jobs.parameters import KINDS
from app.jobs.states import State
from ml.errors import MlError
from worker import handlers
from worker.context import Context, JobLost, WorkerStopping
from worker.failures import problem_of
from worker.heartbeat import Heartbeat
from worker.runtime import Runtime

log = logging.getLogger(__name__)
handlers.load()


def run_next(runtime: Runtime, queue: str) -> bool:
    """Run the next job of the queue; False if none is queued."""
    while not runtime.stopping.is_set():
        with runtime.readers() as session:
            job_id = turns.next_queued(session, queue)
        if job_id is None:
            return False
        if run(runtime, job_id):
            return True
    return False


def run(runtime: Runtime, job_id: str) -> bool:
    """Claim the job and run it; False if it is not queued (any more).

    A message that is delivered twice, or late, therefore does nothing.

    Raises:
        OperationalError: The database is unreachable; the reaper will requeue the job.
        InterfaceError: The same, as other drivers report it.
    """
    with runtime.sessions.begin() as session:
        job = rows.claim(session, job_id, runtime.name)
    if job is None:
        return False
    log.info("job %s (%s), try %d", job.id, job.kind, job.attempts)
    with Heartbeat(runtime, job.id) as heartbeat:
        _attempt(job, Context(runtime, job.id, heartbeat))
    return True


def _attempt(job: Job, context: Context) -> None:
    runtime = context.runtime
    try:
        params = KINDS[job.kind].model_validate(job.params)
        handlers.handler_of(params)(params, context)
        _finish(runtime, job, State.SUCCEEDED)
    except JobLost:
        log.info("job %s is no longer this worker's", job.id)
    except WorkerStopping:
        with runtime.sessions.begin() as session:
            rows.give_back(session, job.id, runtime.name)
    except (OperationalError, InterfaceError):
        raise
    except Exception as error:
        if not isinstance(error, SightlineError | MlError):
            log.exception("job %s failed", job.id)
        trace = traceback.format_exc()
        _finish(runtime, job, State.FAILED, **problem_of(error), traceback=trace)


def _finish(runtime: Runtime, job: Job, state: State, **why: str) -> None:
    with runtime.sessions.begin() as session:
        if rows.finish(session, job.id, runtime.name, state.value, **why):
            log.info("job %s %s", job.id, state.value)
