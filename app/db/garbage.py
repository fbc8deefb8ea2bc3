"""Queries that remove analyses, media and old jobs."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from app.db.tables import Analysis, Heatmap, Job, Media, utcnow
from app.db.training_tables import Dataset, TrainingRun, Trial


def analyses_of(session: Session, media_id: str) -> list[Analysis]:
    """Return all analyses of a medium."""
    return list(session.scalars(select(Analysis).where(Analysis.media_id == media_id)))


def remove_analyses(session: Session, analyses: Sequence[Analysis]) -> set[str]:
    """Remove analyses and their jobs; return the blobs that their maps pointed at.

    A worker that has such a job notices that it is gone, and stops.
    """
    ids = [analysis.id for analysis in analyses]
    jobs = [analysis.job_id for analysis in analyses]
    # Locked in the order in which a worker locks them: it commits before, or finds nothing.
    session.execute(select(Job.id).where(Job.id.in_(jobs)).with_for_update())
    session.execute(select(Analysis.id).where(Analysis.id.in_(ids)).with_for_update())
    keys = set(session.scalars(select(Heatmap.blob_key).where(Heatmap.analysis_id.in_(ids))))
    session.execute(delete(Analysis).where(Analysis.id.in_(ids)))
    session.execute(delete(Job).where(Job.id.in_(jobs)))
    return keys


def remove_media(session: Session, media: Media) -> None:
    """Remove a medium's row."""
    session.execute(delete(Media).where(Media.id == media.id))


def remove_old_jobs(session: Session, days: float) -> None:
    """Remove jobs without an owner that ended `days` ago, for example of drawn figures."""
    ended = Job.finished_at < utcnow() - timedelta(days=days)
    owners = (Analysis, Dataset, Trial, TrainingRun)
    free = [Job.id.not_in(select(owner.job_id)) for owner in owners]
    session.execute(delete(Job).where(ended, *free))
