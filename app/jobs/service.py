"""Enqueueing, cancelling, pausing and reordering jobs."""

from __future__ import annotations

from sqlalchemy.orm import Session

from app.db import jobs as rows
from app.db import turns
from app.db.tables import Job
from app.jobs.doorbell import ring_after_commit
from app.jobs.parameters import JobParameters


def enqueue(session: Session, params: JobParameters, *, owner: str = "", last: bool = False) -> Job:
    """Add a queued job to the session; its doorbell rings after the commit, never before.

    Args:
        session: A session that writes.
        params: The job's parameters; their class determines the kind and the queue.
        owner: Who waits for it: owners take turns.
        last: Put it behind all waiting jobs of the queue, whatever their ranks.
    """
    queue, lane = params.queue, turns.BATCH if params.batch else turns.INTERACTIVE
    rank = (
        rows.last_rank(session, queue) + 1
        if last
        else turns.next_round(session, queue, lane, owner)
    )
    about = {"owner": owner, "lane": lane, "rank": rank}
    job = rows.add(session, params.kind, queue, params.model_dump(mode="json"), **about)
    ring_after_commit(session, job)
    return job


def request_cancel(session: Session, job: Job) -> bool:
    """Cancel a job at once; False if it has ended already.

    A worker that runs it can store nothing more; it notices within a second and stops.
    """
    accepted = rows.cancel(session, job.id)
    session.refresh(job)
    return accepted


def request_pause(session: Session, job: Job) -> bool:
    """Pause a queued or running job; False in any other state. Its worker notices and stops."""
    accepted = rows.pause(session, job.id)
    session.refresh(job)
    return accepted


def resume(session: Session, job: Job) -> bool:
    """Queue a paused, cancelled or failed job again; False in any other state."""
    accepted = rows.resume(session, job.id)
    session.refresh(job)
    if accepted:
        ring_after_commit(session, job)
    return accepted


def move(session: Session, job: Job, before: Job | None) -> bool:
    """Put a queued job in front of `before`, or last if None; False if one is not queued."""
    line = rows.in_line(session, job.queue)
    ids = [queued.id for queued in line]
    if job.id not in ids or (before is not None and before.id not in ids):
        return False
    if before is not None and before.id == job.id:
        return True
    moved = line.pop(ids.index(job.id))
    ids.remove(job.id)
    line.insert(len(line) if before is None else ids.index(before.id), moved)
    rows.line_up(session, line)
    return True
