"""Whose turn it is: fair between owners, and interactive jobs before batch jobs.

Every job gets its round as `rank` when it is queued, as in start-time fair queueing (Goyal, Vin
and Cheng, 1996): an owner's jobs are in consecutive rounds, and a newcomer's first job is in the
present one. So claiming is one look at an index, however many jobs wait.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import DateTime, exists, func, select
from sqlalchemy.orm import Session

from app.db.tables import Job, utcnow

INTERACTIVE, BATCH = 0, 1
BATCH_SECONDS = 15.0  # so often one waiting batch job goes first, that none waits for ever
STARTED = ("running", "succeeded", "failed")


def clock(session: Session) -> Any:
    """Return the database's time: the clocks of several machines may differ."""
    if session.get_bind().dialect.name == "postgresql":
        return func.clock_timestamp(type_=DateTime(timezone=True))
    return utcnow()


def next_round(session: Session, queue: str, lane: int, owner: str) -> float:
    """Return the rank of an owner's new job: after their last one, and never in the past."""
    present = _last_rank(session, STARTED, queue, lane)
    own = _last_rank(session, ("queued", "paused", *STARTED), queue, lane, owner)
    if own is None:
        return present or 0.0
    return max(present or 0.0, own + 1)


def next_queued(session: Session, queue: str) -> str | None:
    """Return the id of the next job of the queue: by lane, by rank, then by age."""
    interactive = _first(session, queue, INTERACTIVE)
    if interactive is not None and not _batch_is_due(session, queue):
        return interactive
    return _first(session, queue, BATCH) or interactive


def _first(session: Session, queue: str, lane: int) -> str | None:
    waiting = select(Job.id).where(Job.state == "queued", Job.queue == queue, Job.lane == lane)
    return session.scalar(waiting.order_by(Job.rank, Job.created_at, Job.id).limit(1))


def _batch_is_due(session: Session, queue: str) -> bool:
    """Whether a batch job has waited for long, and none has started meanwhile."""
    limit = clock(session) - timedelta(seconds=BATCH_SECONDS)
    batch = select(Job.id).where(Job.queue == queue, Job.lane == BATCH)
    waits = exists(batch.where(Job.state == "queued", Job.created_at < limit))
    started = exists(batch.where(Job.started_at >= limit))
    return bool(session.scalar(select(waits & ~started)))


def _last_rank(
    session: Session, states: tuple[str, ...], queue: str, lane: int, owner: str | None = None
) -> float | None:
    """Return the largest rank; one look at an index a state, whatever the number of jobs."""
    of = [
        Job.queue == queue,
        Job.lane == lane,
        *([Job.owner == owner] if owner is not None else []),
    ]
    largest = [
        select(func.max(Job.rank)).where(Job.state == state, *of).scalar_subquery()
        for state in states
    ]
    found = session.execute(select(*largest)).one()
    return max((rank for rank in found if rank is not None), default=None)
