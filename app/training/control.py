"""Stops, pauses, reorders and removes runs, and publishes one as a model of the table."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial

from sqlalchemy.orm import Session

from app.core.errors import Conflict, NotFound
from app.core.settings import Settings
from app.db import jobs as job_rows
from app.db import models
from app.db import training as rows
from app.db.documents import Card, CardSource
from app.db.hooks import after_commit
from app.db.tables import ModelCard
from app.db.training_tables import Study, TrainingRun
from app.jobs import service
from app.jobs.states import State
from app.storage.blobs import BlobStore
from app.training import titles
from app.training.files import remove_run

MODEL_ID = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
PUBLISHED = "The run is published as {}; unpublish it first."


def cancel(session: Session, run: TrainingRun) -> None:
    """End a run that can be resumed later; Conflict if it has ended already."""
    if not service.request_cancel(session, run.job):
        raise Conflict(f"The run has ended already: it has {run.job.state}.")
    rows.add_note(session, run.id, "Cancelled")


def pause(session: Session, run: TrainingRun) -> None:
    """Pause a run that waits or runs; Conflict in any other state."""
    if not service.request_pause(session, run.job):
        raise Conflict(f"Only a run that waits or runs can be paused; this one is {run.job.state}.")
    rows.add_note(session, run.id, "Paused")


def resume(session: Session, run: TrainingRun) -> None:
    """Queue a run again from its last state; Conflict if it waits, runs or has succeeded."""
    if not service.resume(session, run.job):
        raise Conflict(
            f"Only a paused, cancelled or failed run can be resumed; this one is {run.job.state}."
        )


def move(session: Session, run: TrainingRun, before: TrainingRun | None) -> None:
    """Put a waiting run in front of another one (None: last); Conflict if one does not wait."""
    if not service.move(session, run.job, None if before is None else before.job):
        raise Conflict("Only runs that wait can change places.")


def delete_run(session: Session, blobs: BlobStore, settings: Settings, run: TrainingRun) -> None:
    """End and remove a run, its files after the commit; Conflict while it is published."""
    if run.model_id is not None:
        raise Conflict(PUBLISHED.format(run.model_id))
    rows.remove_run(session, run)
    after_commit(session, partial(remove_run, settings, blobs, run.id))


def delete_study(session: Session, blobs: BlobStore, settings: Settings, study: Study) -> None:
    """End and remove all runs of a study; Conflict while one is published."""
    runs = rows.runs_of(session, [study.id])
    for run in runs:
        if run.model_id is not None:
            raise Conflict(PUBLISHED.format(run.model_id))
    for run in runs:
        delete_run(session, blobs, settings, run)
    rows.remove_study(session, study)


def publish(
    session: Session, run: TrainingRun, model_id: str | None = None, title: str | None = None
) -> ModelCard:
    """Add a run's network to the table of models.

    Args:
        session: Session that writes.
        run: A run that succeeded.
        model_id: Id of the model; None for a free one.
        title: Title of the model; None for the mechanism's, with the dataset's name and the date.

    Raises:
        Conflict: The run has not succeeded or is published, the id or the title is taken, or the
            id is malformed.
    """
    if run.model_id is not None:
        raise Conflict(f"The run is published already, as {run.model_id}.")
    summary = run.summary
    if run.job.state != State.SUCCEEDED or summary is None or run.checkpoint_sha256 is None:
        raise Conflict(f"Only a run that succeeded can be published; this one is {run.job.state}.")
    study = rows.study(session, run.study_id)
    assert study is not None
    name = free_id(session, model_id, run.mechanism)
    source: CardSource = {
        "kind": "run",
        "run_id": run.id,
        "study_id": study.id,
        "study": study.name,
        "dataset_id": study.dataset_id,
        "dataset": study.dataset.name,
        "seed": run.seed,
    }
    card: Card = {
        **summary["card"],
        "id": name,
        "position": models.next_position(session),
        "title": titles.chosen(session, title)
        if title
        else titles.automatic(session, summary["card"]["title"], study.dataset.name),
        "head": "trained",
        "default": False,
        "source": source,
    }
    run.model_id = name
    job_rows.touch(session, run.job_id)
    return models.put(session, card)


def unpublish(session: Session, run: TrainingRun) -> None:
    """Take a run's model out of the table; stored analyses stay. Conflict if it is not in it."""
    if run.model_id is None:
        raise Conflict("The run is not published.")
    models.withdraw(session, run.model_id)
    run.model_id = None
    job_rows.touch(session, run.job_id)


def free_id(
    session: Session,
    model_id: str | None,
    mechanism: str,
    taken_elsewhere: Callable[[str], bool] = lambda _: False,
) -> str:
    """Return a free model id: `model_id`, or `l2pa-2`, `l2pa-3`, ...; Conflict if it is taken."""
    if model_id is not None:
        if not MODEL_ID.fullmatch(model_id):
            raise Conflict("model_id: small letters, digits, - and _, at most 64.")
        if models.get(session, model_id, models.SERVER) is not None:
            raise Conflict(f"There is a model called {model_id} already; choose another name.")
        return model_id
    number, taken = 2, {row.id for row in models.known_cards(session)}
    while f"{mechanism}-{number}" in taken or taken_elsewhere(f"{mechanism}-{number}"):
        number += 1
    return f"{mechanism}-{number}"


def find_run(session: Session, run_id: str) -> TrainingRun:
    """Return a run; NotFound if there is none."""
    if (run := rows.run(session, run_id)) is None:
        raise NotFound("There is no run with this id. It may have been deleted.")
    return run


def find_study(session: Session, study_id: str) -> Study:
    """Return a study; NotFound if there is none."""
    if (study := rows.study(session, study_id)) is None:
        raise NotFound("There is no study with this id. It may have been deleted.")
    return study
