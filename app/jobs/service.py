"""Asking for work, and taking the request back."""

from __future__ import annotations

from functools import partial

from sqlalchemy.orm import Session

from app.db import jobs as rows
from app.db.hooks import after_commit
from app.db.tables import Job
from app.jobs.doorbell import ring_quietly
from app.jobs.parameters import JobParameters


def enqueue(session: Session, params: JobParameters, *, last: bool = False) -> Job:
    """Add a queued job to the session; its doorbell rings after the commit, never before.

    Args:
        session: A session that writes.
        params: What the job is asked to do; its class names the kind and the queue.
        last: Put it behind all that wait in the queue, whatever their ranks.
    """
    rank = rows.last_rank(session, params.queue) + 1 if last else 0.0
    job = rows.add(session, params.kind, params.queue, params.model_dump(mode="json"), rank)
    _ring_later(session, job)
    return job


def request_cancel(session: Session, job: Job) -> bool:
    """Cancel a job at once; False if it has ended already.

    A worker that runs it can store nothing more, notices within moments, and stops.
    """
    accepted = rows.cancel(session, job.id)
    session.refresh(job)
    return accepted


def request_pause(session: Session, job: Job) -> bool:
    """Hold a job that waits or runs; False in any other state. Its worker notices and stops."""
    accepted = rows.pause(session, job.id)
    session.refresh(job)
    return accepted


def resume(session: Session, job: Job) -> bool:
    """Queue a paused, cancelled or failed job again; False in any other state."""
    accepted = rows.resume(session, job.id)
    session.refresh(job)
    if accepted:
        _ring_later(session, job)
    return accepted


def move(session: Session, job: Job, before: Job | None) -> bool:
    """Put a waiting job in front of another one (or last); False where one does not wait."""
    line = rows.in_line(session, job.queue)
    ids = [waiting.id for waiting in line]
    if job.id not in ids or (before is not None and before.id not in ids):
        return False
    if before is not None and before.id == job.id:
        return True
    moved = line.pop(ids.index(job.id))
    places = [waiting.id for waiting in line]
    line.insert(len(line) if before is None else places.index(before.id), moved)
    rows.line_up(session, line)
    return True


def _ring_later(session: Session, job: Job) -> None:
    doorbell = session.info.get("doorbell")
    after_commit(session, partial(ring_quietly, doorbell, job.queue, job.id))
