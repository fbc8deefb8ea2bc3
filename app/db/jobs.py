"""Queries on jobs. Every change of state is one conditional UPDATE, so only one of two wins."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, Update, func, select, update
from sqlalchemy.orm import Session

from app.db.queries import changed
from app.db.tables import Job, new_id, utcnow
from app.db.turns import INTERACTIVE, clock

UNFINISHED = ("queued", "running", "paused")


def add(session: Session, kind: str, queue: str, params: dict[str, Any], **more: Any) -> Job:
    """Add a queued job; `more` are other columns."""
    job = Job(id=new_id(), kind=kind, queue=queue, params=params, state="queued", **more)
    session.add(job)
    session.flush()
    return job


def get(session: Session, job_id: str) -> Job | None:
    """Return a job, or None."""
    return session.get(Job, job_id)


def last_rank(session: Session, queue: str) -> float:
    """Return the largest rank in the queue; 0 if it is empty."""
    unfinished = Job.state.in_(UNFINISHED)
    return session.scalar(select(func.max(Job.rank)).where(Job.queue == queue, unfinished)) or 0.0


def in_line(session: Session, queue: str) -> list[Job]:
    """Return the queue's waiting jobs, the next one first, locked until the session ends."""
    waiting = select(Job).where(Job.state == "queued", Job.queue == queue)
    ordered = waiting.order_by(Job.rank, Job.created_at, Job.id)
    return list(session.scalars(ordered.with_for_update()))


def line_up(session: Session, jobs: Sequence[Job]) -> None:
    """Set the ranks of all waiting jobs of a queue so that they run in this order."""
    ranks = sorted(job.rank for job in jobs)
    last = None
    for job, rank in zip(jobs, ranks, strict=True):
        last = rank if last is None else max(rank, last + 1)
        if job.rank != last:
            job.rank = last
            job.revision += 1
    session.flush()


def claim(session: Session, job_id: str, worker: str) -> Job | None:
    """Take a queued job for this worker; None if it is not queued any more."""
    now = clock(session)
    taken = session.scalars(
        update(Job)
        .where(Job.id == job_id, Job.state == "queued")
        .values(
            state="running",
            attempts=Job.attempts + 1,
            claimed_by=worker,
            heartbeat_at=now,
            started_at=func.coalesce(Job.started_at, now),
            revision=Job.revision + 1,
        )
        .returning(Job)
        .execution_options(populate_existing=True)
    )
    return taken.one_or_none()


def beat(session: Session, job_id: str, worker: str) -> bool:
    """Write the worker's heartbeat; False if the job is not the worker's any more."""
    return _change(session, _held(job_id, worker).values(heartbeat_at=clock(session)))


def is_held(session: Session, job_id: str, worker: str) -> bool:
    """Return True unless the job was cancelled, deleted or given to another worker."""
    held = (Job.id == job_id, Job.state == "running", Job.claimed_by == worker)
    return session.scalar(select(Job.id).where(*held)) is not None


def advance(
    session: Session, job_id: str, worker: str, progress: float, message: str | None
) -> bool:
    """Set the progress (0..1); False if the job is not the worker's any more."""
    changes = _held(job_id, worker).values(
        progress=progress,
        message=message,
        heartbeat_at=clock(session),
        revision=Job.revision + 1,
    )
    return _change(session, changes)


def finish(
    session: Session,
    job_id: str,
    worker: str,
    state: str,
    *,
    error: str | None = None,
    detail: str | None = None,
    traceback: str | None = None,
) -> bool:
    """End a job that the worker holds; False if it is not the worker's any more."""
    changes = _held(job_id, worker).values(
        error=error, detail=detail, traceback=traceback, **_ending(session, state)
    )
    if state == "succeeded":
        changes = changes.values(progress=1.0)
    return _change(session, changes)


def give_back(session: Session, job_id: str, worker: str) -> bool:
    """Queue a job again without counting the attempt: its worker has to stop."""
    changes = _held(job_id, worker).values(attempts=Job.attempts - 1, **_requeued())
    return _change(session, changes)


def cancel(session: Session, job_id: str) -> bool:
    """End a job that has not ended; its worker can write nothing from now on."""
    unfinished = update(Job).where(Job.id == job_id, Job.state.in_(UNFINISHED))
    return _change(session, unfinished.values(**_ending(session, "cancelled")))


def pause(session: Session, job_id: str) -> bool:
    """Pause a job that waits or runs; its worker can write nothing from now on."""
    active = update(Job).where(Job.id == job_id, Job.state.in_(("queued", "running")))
    return _change(session, active.values(**_requeued() | {"state": "paused"}))


def resume(session: Session, job_id: str) -> bool:
    """Queue a paused, cancelled or failed job again, with no attempts counted."""
    held = update(Job).where(Job.id == job_id, Job.state.in_(("paused", "cancelled", "failed")))
    anew = {"attempts": 0, "error": None, "detail": None, "traceback": None, "finished_at": None}
    return _change(session, held.values(**_requeued() | anew))


def got_further(session: Session, job_id: str, worker: str) -> bool:
    """Count this attempt as the first: it has come further than those before."""
    return _change(session, _held(job_id, worker).values(attempts=1))


def touch(session: Session, job_id: str) -> None:
    """Raise the job's revision, for those who follow it."""
    session.execute(update(Job).where(Job.id == job_id).values(revision=Job.revision + 1))


def requeue_stale(session: Session, silence: float, max_attempts: int) -> list[Job]:
    """Queue jobs again whose last heartbeat is `silence` seconds old, and return them.

    Those with `max_attempts` attempts fail instead.
    """
    limit = clock(session) - timedelta(seconds=silence)
    return _take_back(session, Job.heartbeat_at < limit, max_attempts)


def requeue_of(session: Session, worker: str, max_attempts: int) -> list[Job]:
    """Queue the jobs of a dead worker again, or let them fail, as `requeue_stale` does."""
    return _take_back(session, Job.claimed_by == worker, max_attempts)


def waiting_since(
    session: Session, seconds: float, limit: int = 100, queue: str | None = None
) -> list[Job]:
    """Return the oldest jobs (of one queue) that have been queued for longer than `seconds`."""
    due = Job.created_at < utcnow() - timedelta(seconds=seconds)
    waiting = select(Job).where(Job.state == "queued", due)
    if queue is not None:
        waiting = waiting.where(Job.queue == queue)
    return list(session.scalars(waiting.order_by(Job.created_at).limit(limit)))


def _take_back(session: Session, whose: ColumnElement[bool], max_attempts: int) -> list[Job]:
    running = Job.state == "running"
    spent = update(Job).where(running, whose, Job.attempts >= max_attempts)
    reason = (
        f"The worker stopped {max_attempts} times while it worked on this, for example because "
        "the server has too little memory. Try smaller images, a smaller batch or fewer models."
    )
    failure = _ending(session, "failed") | {"error": "worker_lost", "detail": reason}
    session.execute(spent.values(**failure))
    again = update(Job).where(running, whose).values(**_requeued()).returning(Job)
    return list(session.scalars(again.execution_options(populate_existing=True)))


def _held(job_id: str, worker: str) -> Update:
    return update(Job).where(Job.id == job_id, Job.state == "running", Job.claimed_by == worker)


def _requeued() -> dict[str, Any]:
    return {
        "state": "queued",
        "claimed_by": None,
        "heartbeat_at": None,
        "revision": Job.revision + 1,
    }


def _ending(session: Session, state: str) -> dict[str, Any]:
    return {"state": state, "finished_at": clock(session), "revision": Job.revision + 1}


def _change(session: Session, statement: Update) -> bool:
    return changed(session, statement.execution_options(synchronize_session=False)) > 0


def counts(session: Session) -> list[tuple[str, str, int]]:
    """Return (queue, state, number of jobs)."""
    query = select(Job.queue, Job.state, func.count()).group_by(Job.queue, Job.state)
    return [(queue, state, number) for queue, state, number in session.execute(query)]


def unfinished_of(session: Session, owner: str, queue: str, most: int) -> int:
    """Return how many interactive jobs of an owner wait or run in a queue; `most` or fewer."""
    own = select(Job.id).where(Job.owner == owner, Job.queue == queue, Job.lane == INTERACTIVE)
    unfinished = own.where(Job.state.in_(("queued", "running"))).limit(most)
    return session.scalar(select(func.count()).select_from(unfinished.subquery())) or 0


def any_running(session: Session, queue: str) -> bool:
    """Return True if a job of this queue is running."""
    running = select(Job.id).where(Job.state == "running", Job.queue == queue).limit(1)
    return session.scalar(running) is not None
