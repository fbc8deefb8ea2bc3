"""A model that fails has no row, and says why; the other models' rows stand."""

from __future__ import annotations

import logging

from sqlalchemy.exc import InterfaceError, OperationalError

from app.core.errors import DiskFull, SightlineError
from app.db.documents import Problem
from ml.errors import MlError
from worker.context import JobLost, WorkerStopping

log = logging.getLogger(__name__)
INTERNAL = (
    "Something went wrong inside Sightline. Try again; if it happens again, the server's log "
    "says more."
)
# These end the whole job: no model is to blame.
NOT_THE_MODELS = (JobLost, WorkerStopping, OperationalError, InterfaceError, DiskFull, OSError)


def problem_of(error: Exception) -> Problem:
    """Return an error as its name and its sentence."""
    if isinstance(error, SightlineError):
        return {"error": error.name, "detail": error.detail}
    if isinstance(error, MlError):
        return {"error": "unprocessable", "detail": error.detail}
    return {"error": "internal_error", "detail": INTERNAL}


def note(model_id: str, error: Exception) -> Problem:
    """Log an error that is one model's own, and return it as a problem; else raise it again."""
    if isinstance(error, NOT_THE_MODELS):
        raise error
    problem = problem_of(error)
    unexpected = problem["error"] == "internal_error"
    log.warning("%s has no row: %s", model_id, problem["detail"], exc_info=unexpected and error)
    return problem
