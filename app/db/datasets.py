"""Queries on datasets."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session, joinedload

from app.db.queries import Place, newest
from app.db.tables import Job
from app.db.training_tables import Dataset, Study

WITH_JOB = joinedload(Dataset.job)


def get(session: Session, dataset_id: str) -> Dataset | None:
    """Return a dataset with its job, or None."""
    return session.get(Dataset, dataset_id, options=[WITH_JOB])


def page(session: Session, limit: int, after: Place | None) -> list[Dataset]:
    """Return up to `limit` datasets with their jobs, newest first, those behind `after`."""
    return newest(session, select(Dataset).options(WITH_JOB), Dataset, limit, after)


def update_facts(session: Session, dataset_id: str, **facts: Any) -> None:
    """Set columns of a dataset."""
    session.execute(update(Dataset).where(Dataset.id == dataset_id).values(**facts))


def is_used(session: Session, dataset_id: str) -> bool:
    """Return True if a study uses the dataset."""
    studies = select(Study.id).where(Study.dataset_id == dataset_id).limit(1)
    return session.scalar(studies) is not None


def existing(session: Session, ids: Collection[str]) -> set[str]:
    """Return the ids that are ids of datasets."""
    return set(session.scalars(select(Dataset.id).where(Dataset.id.in_(ids))))


def remove(session: Session, dataset: Dataset) -> None:
    """Remove a dataset and its job; a worker that has it notices, and stops."""
    session.execute(select(Job.id).where(Job.id == dataset.job_id).with_for_update())
    session.execute(delete(Dataset).where(Dataset.id == dataset.id))
    session.execute(delete(Job).where(Job.id == dataset.job_id))


def with_files(session: Session, dataset_ids: Iterable[str]) -> set[str]:
    """Return the datasets that are or will be imported; the files of all others can be deleted."""
    alive = Job.state.in_(("queued", "running", "paused", "succeeded"))
    query = select(Dataset.id).join(Job, Job.id == Dataset.job_id)
    return set(session.scalars(query.where(Dataset.id.in_(list(dataset_ids)), alive)))
