"""Claims jobs and runs them."""

from __future__ import annotations

import logging
import traceback

from sqlalchemy.exc import InterfaceError, OperationalError

from app.core.errors import SightlineError
from app.db import jobs as rows
from app.db.tables import Job
from app.jobs.parameters import KINDS
from app.jobs.states import State
from ml.errors import MlError
from worker import handlers
from worker.context import Context, JobLost, WorkerStopping
from worker.heartbeat import Heartbeat
from worker.runtime import Runtime

log = logging.getLogger(__name__)
handlers.load()
INTERNAL = (
    "Something went wrong inside Sightline. Try again; if it happens again, the server's log "
    "says more."
)


def run_next(runtime: Runtime, queue: str) -> bool:
    """Run the next job of the queue; False if none is queued."""
    while not runtime.stopping.is_set():
        with runtime.readers() as session:
            job_id = rows.next_queued(session, queue)
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
    except (SightlineError, MlError) as error:
        name = error.name if isinstance(error, SightlineError) else "unprocessable"
        trace = traceback.format_exc()
        _finish(runtime, job, State.FAILED, error=name, detail=error.detail, traceback=trace)
    except Exception:
        log.exception("job %s failed", job.id)
        _finish(
            runtime,
            job,
            State.FAILED,
            error="internal_error",
            detail=INTERNAL,
            traceback=traceback.format_exc(),
        )


def _finish(runtime: Runtime, job: Job, state: State, **why: str) -> None:
    with runtime.sessions.begin() as session:
        if rows.finish(session, job.id, runtime.name, state.value, **why):
            log.info("job %s %s", job.id, state.value)
