"""Liveness, readiness and metrics, for load balancers and Prometheus."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from fastapi import APIRouter, Response
from pydantic import BaseModel
from sqlalchemy.exc import SQLAlchemyError

from app.core.errors import SightlineError
from app.db import capabilities, models
from app.db import jobs as job_rows
from app.jobs.doorbell import LocalDoorbell, RelayDoorbell
from app.jobs.parameters import INFERENCE, PREPARATION, TRAINING
from app.web.http.deps import StateDep
from app.web.http.parameters import errors
from app.web.http.principal import Reader
from app.web.http.state import AppState

log = logging.getLogger(__name__)
router = APIRouter(tags=["health"])
QUEUES = (INFERENCE, TRAINING, PREPARATION)
OK = "ok"
WAITING_SECONDS = 60.0  # if a job waits longer and none runs, there is no worker
SILENT_SECONDS = 60.0  # a worker of Celery writes its beat six times within it
BROKER_SECONDS = 1.0


class Alive(BaseModel):
    """The process is alive."""

    status: str = OK


class Readiness(BaseModel):
    """`checks` has `ok` or the problem, by part; `sandbox` what locks in the decoder."""

    ready: bool
    checks: dict[str, str]
    sandbox: dict[str, bool]


@router.get("/healthz", summary="Alive")
async def healthz() -> Alive:
    """The process is alive; nothing that it depends on is checked."""
    return Alive()


@router.get(
    "/readyz",
    summary="Ready",
    responses={503: {"model": Readiness, "description": "Not ready; `checks` has the reason."}},
)
def readyz(web: StateDep, response: Response) -> Readiness:
    """Check database, disk, queue, workers and decoder."""
    parts = {
        "database": _database,
        "blobs": _blobs,
        "queue": _queue,
        "workers": _workers,
        "decoder": _decoder,
    }
    checks = {name: _try(check, web) for name, check in parts.items()}
    ready = all(result == OK for result in checks.values())
    response.status_code = 200 if ready else 503
    return Readiness(ready=ready, checks=checks, sandbox=web.decoder.pool.sandbox)


@router.get("/metrics", summary="Prometheus", response_class=Response, responses=errors(401, 403))
def metrics(_reader: Reader, web: StateDep) -> Response:
    """Counters in the Prometheus text format, for a token with the scope `read`."""
    with web.readers() as session:
        counts = job_rows.counts(session)
    return Response(web.metrics.text(counts), media_type="text/plain; version=0.0.4; charset=utf-8")


def _try(check: Callable[[AppState], str], web: AppState) -> str:
    try:
        return check(web)
    except SQLAlchemyError:
        return "the database does not answer, or has no tables yet"
    except SightlineError as error:  # its text is for everybody
        return error.detail
    except OSError as error:
        return _hidden("not reachable", error)


def _hidden(problem: str, error: Exception) -> str:
    """Return the problem for everybody, and log its error, which may name an address."""
    log.warning("not ready: %s: %s", problem, error)
    return f"{problem}; the server's log has the reason"


def _database(web: AppState) -> str:
    with web.readers() as session:
        models.all_cards(session)
    return OK


def _blobs(web: AppState) -> str:
    if web.blobs.free_bytes() < web.settings.min_free_bytes:
        return "the disk is nearly full; uploads are refused"
    web.blobs.incoming().parent.stat()
    return OK


def _queue(web: AppState) -> str:
    if isinstance(web.doorbell, RelayDoorbell):
        return OK  # the process that starts the workers replaces them; it ends this one with it
    if isinstance(web.doorbell, LocalDoorbell):
        return OK if web.doorbell.attached(INFERENCE) else "no worker process is running"
    from redis import Redis, RedisError

    try:
        with Redis.from_url(web.settings.broker_url, socket_timeout=BROKER_SECONDS) as broker:
            broker.ping()
    except RedisError as error:
        return _hidden("the broker does not answer", error)
    return OK


def _decoder(web: AppState) -> str:
    return OK if web.decoder.answers() else "the process that reads photos does not answer"


def _workers(web: AppState) -> str:
    with web.readers() as session:
        if not models.all_cards(session):
            return "no worker has published its models yet"
        heard = capabilities.beating(session, SILENT_SECONDS)
        silent = [queue for queue in QUEUES if queue not in heard]
        if silent and not isinstance(web.doorbell, LocalDoorbell | RelayDoorbell):
            return f"no worker of {' and '.join(silent)} has been heard for a minute"
        oldest = job_rows.waiting_since(session, WAITING_SECONDS, limit=1, queue=INFERENCE)
        if oldest and not job_rows.any_running(session, INFERENCE):
            return f"a job has waited for {time.time() - oldest[0].created_at.timestamp():.0f} s"
    return OK
