"""Queries on studies, their runs, and the results of the runs."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Select, delete, func, select, update
from sqlalchemy.orm import Session, joinedload

from app.db.queries import Place, insert_new, newest
from app.db.tables import Job, utcnow
from app.db.training_tables import (
    Dataset,
    RunEpoch,
    RunNote,
    RunPoint,
    Study,
    TrainingRun,
    Trial,
)

BATCH = 5000


class Point(NamedTuple):
    """One optimiser step of a run."""

    step: int
    loss: float
    accuracy: float
    lr: float
    images_per_s: float


def study(session: Session, study_id: str) -> Study | None:
    """Return a study with its dataset, or None."""
    return session.get(Study, study_id, options=[joinedload(Study.dataset)])


def studies(session: Session, limit: int, after: Place | None = None) -> list[Study]:
    """Return up to `limit` studies with their datasets, newest first, those behind `after`."""
    query = select(Study).options(joinedload(Study.dataset))
    return newest(session, query, Study, limit, after)


def run(session: Session, run_id: str) -> TrainingRun | None:
    """Return a run with its job, or None."""
    return session.get(TrainingRun, run_id, options=[joinedload(TrainingRun.job)])


def runs_of(session: Session, study_ids: Collection[str]) -> list[TrainingRun]:
    """Return the runs of these studies with their jobs, in row order."""
    query = _runs().where(TrainingRun.study_id.in_(study_ids))
    return list(session.scalars(query.order_by(TrainingRun.study_id, TrainingRun.position)))


def runs(session: Session, limit: int, after: Place | None = None) -> list[TrainingRun]:
    """Return up to `limit` runs with their jobs, newest first, those behind `after`."""
    return newest(session, _runs(), TrainingRun, limit, after)


def in_queue(session: Session) -> list[TrainingRun]:
    """Return the running runs, then the waiting ones, the next one first."""
    active = _runs().join(TrainingRun.job).where(Job.state.in_(["running", "queued"]))
    ordered = active.order_by(Job.state.desc(), Job.rank, Job.created_at, Job.id)
    return list(session.scalars(ordered))


def _runs() -> Select[TrainingRun]:
    return select(TrainingRun).options(joinedload(TrainingRun.job))


def published(session: Session, model_id: str) -> TrainingRun | None:
    """Return the run that is published as this model, or None."""
    return session.scalar(select(TrainingRun).where(TrainingRun.model_id == model_id))


def change(session: Session, run_id: str, **values: Any) -> None:
    """Set columns of a run."""
    session.execute(update(TrainingRun).where(TrainingRun.id == run_id).values(**values))


def remove_run(session: Session, run_row: TrainingRun) -> None:
    """Remove a run and its job; a worker that has it notices, and stops."""
    # Locked in the order in which a worker locks them: it commits before, or finds nothing.
    session.execute(select(Job.id).where(Job.id == run_row.job_id).with_for_update())
    session.execute(delete(TrainingRun).where(TrainingRun.id == run_row.id))
    session.execute(delete(Job).where(Job.id == run_row.job_id))
    session.expunge(run_row)


def remove_study(session: Session, study_row: Study) -> None:
    """Remove a study without runs."""
    session.execute(delete(Study).where(Study.id == study_row.id))


def existing_runs(session: Session, ids: Collection[str]) -> set[str]:
    """Return the ids that are ids of runs."""
    return set(session.scalars(select(TrainingRun.id).where(TrainingRun.id.in_(ids))))


def finished_runs(session: Session, limit: int) -> list[tuple[TrainingRun, Dataset]]:
    """Return up to `limit` runs that succeeded, the newest first, with their datasets."""
    query = select(TrainingRun, Dataset).join(TrainingRun.study).join(Study.dataset)
    query = query.where(TrainingRun.checkpoint_key.is_not(None))
    rows = session.execute(query.order_by(TrainingRun.created_at.desc()).limit(limit))
    return [(run_row, dataset) for run_row, dataset in rows]


def cost_trials(session: Session, limit: int) -> list[tuple[Trial, Dataset]]:
    """Return up to `limit` measured costs, the newest first, with datasets that still exist."""
    query = select(Trial).join(Trial.job).where(Trial.kind == "cost", Job.state == "succeeded")
    trials = session.scalars(query.order_by(Trial.created_at.desc()).limit(limit)).all()
    found = [(one, session.get(Dataset, one.request["dataset_id"])) for one in trials]
    return [(one, dataset) for one, dataset in found if dataset is not None]


def existing_studies(session: Session, ids: Collection[str]) -> set[str]:
    """Return the ids that are ids of studies."""
    return set(session.scalars(select(Study.id).where(Study.id.in_(ids))))


def add_points(session: Session, points: Sequence[dict[str, Any]]) -> None:
    """Insert steps; those that a resumed run repeats are skipped."""
    insert_new(session, RunPoint, points)


def add_epoch(session: Session, epoch: dict[str, Any]) -> None:
    """Insert an epoch; one that a resumed run repeats is skipped."""
    insert_new(session, RunEpoch, [epoch])


def add_note(session: Session, run_id: str, text: str) -> None:
    """Add a line to a run's log."""
    session.add(RunNote(run_id=run_id, at=utcnow(), text=text))
    session.flush()


def last_point(session: Session, run_id: str) -> int:
    """Return the last step that is stored; 0 without any."""
    last = select(func.max(RunPoint.step)).where(RunPoint.run_id == run_id)
    return session.scalar(last) or 0


def points(session: Session, run_id: str, after: int = 0, limit: int | None = None) -> list[Point]:
    """Return up to `limit` steps of a run, those after step `after`."""
    columns = [getattr(RunPoint, name) for name in Point._fields]
    query = select(*columns).where(RunPoint.run_id == run_id, RunPoint.step > after)
    return [Point(*row) for row in session.execute(query.order_by(RunPoint.step).limit(limit))]


def epochs(session: Session, run_id: str, after: int = 0) -> list[RunEpoch]:
    """Return a run's epochs after epoch `after`."""
    query = select(RunEpoch).where(RunEpoch.run_id == run_id, RunEpoch.epoch > after)
    return list(session.scalars(query.order_by(RunEpoch.epoch)))


def epoch(session: Session, run_id: str, number: int | None) -> RunEpoch | None:
    """Return one epoch of a run (`number` None: the last), or None if there is none."""
    query = select(RunEpoch).where(RunEpoch.run_id == run_id)
    if number is not None:
        query = query.where(RunEpoch.epoch == number)
    return session.scalar(query.order_by(RunEpoch.epoch.desc()).limit(1))


def notes(session: Session, run_id: str, after: int = 0) -> list[RunNote]:
    """Return the lines of a run's log after line `after`."""
    query = select(RunNote).where(RunNote.run_id == run_id, RunNote.id > after)
    return list(session.scalars(query.order_by(RunNote.id)))


def last_notes(session: Session, run_ids: Collection[str]) -> dict[str, int]:
    """Return the id of the last log line by run; runs without any are left out."""
    query = select(RunNote.run_id, func.max(RunNote.id)).where(RunNote.run_id.in_(run_ids))
    return {row[0]: row[1] for row in session.execute(query.group_by(RunNote.run_id))}


def revisions(
    session: Session, study_ids: Sequence[str]
) -> dict[str, list[tuple[str, int, str, int, int]]]:
    """Return (run, revision, state, step, epoch) of the runs of those studies that exist."""
    columns = (TrainingRun.id, Job.revision, Job.state, TrainingRun.step, TrainingRun.epoch)
    query = select(TrainingRun.study_id, *columns).join(Job, Job.id == TrainingRun.job_id)
    query = query.where(TrainingRun.study_id.in_(study_ids)).order_by(TrainingRun.position)
    found: dict[str, list[tuple[str, int, str, int, int]]] = {}
    for study_id, run_id, revision, state, step, epoch in session.execute(query):
        found.setdefault(study_id, []).append((run_id, revision, state, step, epoch))
    return found


def trial(session: Session, trial_id: str) -> Trial | None:
    """Return a trial with its job, or None."""
    return session.get(Trial, trial_id, options=[joinedload(Trial.job)])


def set_trial_result(session: Session, trial_id: str, result: dict[str, Any]) -> None:
    """Store the result of a trial so far."""
    session.execute(update(Trial).where(Trial.id == trial_id).values(result=result))


def all_points(session: Session, run_id: str) -> Iterator[Point]:
    """Yield every step of a run."""
    after = 0
    while batch := points(session, run_id, after, BATCH):
        yield from batch
        after = batch[-1].step
