"""Queries on studies, their runs, and what the runs have said."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import delete, func, select, tuple_, update
from sqlalchemy.orm import Session, joinedload

from app.db.tables import Job, utcnow
from app.db.training_tables import Dataset, RunEpoch, RunNote, RunPoint, Study, TrainingRun, Trial
from app.db.upsert import insert_new

BATCH = 5000


def dataset(session: Session, dataset_id: str) -> Dataset | None:
    """Return a dataset with its import's job, or None."""
    return session.get(Dataset, dataset_id, options=[joinedload(Dataset.job)])


def study(session: Session, study_id: str) -> Study | None:
    """Return a study with its dataset, or None."""
    return session.get(Study, study_id, options=[joinedload(Study.dataset)])


def studies(session: Session, limit: int, after: tuple[datetime, str] | None = None) -> list[Study]:
    """Return studies with their datasets, the newest first, older than `after`."""
    query = select(Study).options(joinedload(Study.dataset))
    if after is not None:
        query = query.where(tuple_(Study.created_at, Study.id) < after)
    newest = query.order_by(Study.created_at.desc(), Study.id.desc())
    return list(session.scalars(newest.limit(limit)))


def run(session: Session, run_id: str) -> TrainingRun | None:
    """Return a run with its job, or None."""
    return session.get(TrainingRun, run_id, options=[joinedload(TrainingRun.job)])


def runs_of(session: Session, study_ids: Collection[str]) -> list[TrainingRun]:
    """Return the runs of these studies with their jobs, in row order."""
    query = _runs().where(TrainingRun.study_id.in_(study_ids))
    return list(session.scalars(query.order_by(TrainingRun.study_id, TrainingRun.position)))


def runs(
    session: Session, limit: int, after: tuple[datetime, str] | None = None
) -> list[TrainingRun]:
    """Return runs with their jobs, the newest first, older than `after`."""
    query = _runs()
    if after is not None:
        query = query.where(tuple_(TrainingRun.created_at, TrainingRun.id) < after)
    newest = query.order_by(TrainingRun.created_at.desc(), TrainingRun.id.desc())
    return list(session.scalars(newest.limit(limit)))


def in_line(session: Session) -> list[TrainingRun]:
    """Return the runs that run, then those that wait in the order in which they will."""
    active = _runs().join(TrainingRun.job).where(Job.state.in_(["running", "queued"]))
    ordered = active.order_by(Job.state.desc(), Job.rank, Job.created_at, Job.id)
    return list(session.scalars(ordered))


def _runs() -> Any:
    return select(TrainingRun).options(joinedload(TrainingRun.job))


def published(session: Session, model_id: str) -> TrainingRun | None:
    """Return the run that is published under this name, or None."""
    return session.scalar(select(TrainingRun).where(TrainingRun.model_id == model_id))


def change(session: Session, run_id: str, **values: Any) -> None:
    """Set columns of a run."""
    session.execute(update(TrainingRun).where(TrainingRun.id == run_id).values(**values))


def remove_run(session: Session, run_row: TrainingRun) -> None:
    """Remove a run and its job; a worker that is busy with it notices, and stops."""
    # In the order in which a worker takes them: it finishes its commit first, or finds nothing.
    session.execute(select(Job.id).where(Job.id == run_row.job_id).with_for_update())
    session.execute(delete(TrainingRun).where(TrainingRun.id == run_row.id))
    session.execute(delete(Job).where(Job.id == run_row.job_id))
    session.expunge(run_row)


def remove_study(session: Session, study_row: Study) -> None:
    """Remove a study that has no runs any more."""
    session.execute(delete(Study).where(Study.id == study_row.id))


def existing_runs(session: Session, ids: Collection[str]) -> set[str]:
    """Return those of the ids that are runs."""
    return set(session.scalars(select(TrainingRun.id).where(TrainingRun.id.in_(ids))))


def add_points(session: Session, points: Sequence[dict[str, Any]]) -> None:
    """Add steps; a step that a resumed run takes again is there already."""
    insert_new(session, RunPoint, points)


def add_epoch(session: Session, epoch: dict[str, Any]) -> None:
    """Add an epoch; one that a resumed run ends again is there already."""
    insert_new(session, RunEpoch, [epoch])


def add_note(session: Session, run_id: str, text: str) -> None:
    """Add a line to a run's log."""
    session.add(RunNote(run_id=run_id, at=utcnow(), text=text))
    session.flush()


def last_point(session: Session, run_id: str) -> int:
    """Return the last step that is stored; 0 without any."""
    last = select(func.max(RunPoint.step)).where(RunPoint.run_id == run_id)
    return session.scalar(last) or 0


def points(
    session: Session, run_id: str, after: int = 0, limit: int | None = None
) -> list[tuple[Any, ...]]:
    """Return (step, loss, accuracy, lr, images_per_s) of the steps after `after`."""
    columns = (
        RunPoint.step,
        RunPoint.loss,
        RunPoint.accuracy,
        RunPoint.lr,
        RunPoint.images_per_s,
    )
    own = select(*columns).where(RunPoint.run_id == run_id, RunPoint.step > after)
    return [tuple(row) for row in session.execute(own.order_by(RunPoint.step).limit(limit))]


def epochs(session: Session, run_id: str, after: int = 0) -> list[RunEpoch]:
    """Return a run's epochs after epoch `after`."""
    own = select(RunEpoch).where(RunEpoch.run_id == run_id, RunEpoch.epoch > after)
    return list(session.scalars(own.order_by(RunEpoch.epoch)))


def epoch(session: Session, run_id: str, number: int | None) -> RunEpoch | None:
    """Return one epoch of a run, by default the last, or None."""
    own = select(RunEpoch).where(RunEpoch.run_id == run_id)
    if number is not None:
        own = own.where(RunEpoch.epoch == number)
    return session.scalar(own.order_by(RunEpoch.epoch.desc()).limit(1))


def notes(session: Session, run_id: str, after: int = 0) -> list[RunNote]:
    """Return the lines of a run's log after line `after`."""
    own = select(RunNote).where(RunNote.run_id == run_id, RunNote.id > after)
    return list(session.scalars(own.order_by(RunNote.id)))


def last_notes(session: Session, run_ids: Collection[str]) -> dict[str, int]:
    """Return the last lines of the runs' logs; runs without any are left out."""
    query = select(RunNote.run_id, func.max(RunNote.id)).where(RunNote.run_id.in_(run_ids))
    found = session.execute(query.group_by(RunNote.run_id)).all()
    return {row[0]: row[1] for row in found}


def revisions(session: Session, study_id: str) -> list[tuple[str, int, str, int, int]]:
    """Return (run, revision, state, step, epoch) of a study's runs."""
    query = select(TrainingRun.id, Job.revision, Job.state, TrainingRun.step, TrainingRun.epoch)
    own = query.join(Job, Job.id == TrainingRun.job_id).where(TrainingRun.study_id == study_id)
    rows = session.execute(own.order_by(TrainingRun.position))
    return [(row[0], row[1], row[2], row[3], row[4]) for row in rows]


def trial(session: Session, trial_id: str) -> Trial | None:
    """Return a trial with its job, or None."""
    return session.get(Trial, trial_id, options=[joinedload(Trial.job)])


def set_trial_result(session: Session, trial_id: str, result: dict[str, Any]) -> None:
    """Store what a trial has found so far."""
    session.execute(update(Trial).where(Trial.id == trial_id).values(result=result))


def all_points(session: Session, run_id: str) -> Iterator[tuple[Any, ...]]:
    """Yield every step of a run, in parts."""
    after = 0
    while part := points(session, run_id, after, BATCH):
        yield from part
        after = part[-1][0]
