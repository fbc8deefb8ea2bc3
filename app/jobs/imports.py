"""Imports of datasets that wait for a person's decision."""

from __future__ import annotations

from sqlalchemy.orm import Session

from app.datasets.importing.assemble import Decisions
from app.db.tables import Job
from app.jobs import service
from app.jobs.parameters import ImportDatasetJob, PlanDecisions
from ml.layouts.layout import Change


def decisions_of(params: ImportDatasetJob) -> Decisions:
    """Return how a job's dataset is put together."""
    made = params.decisions or PlanDecisions()
    folders = {
        tuple(filter(None, one.folder.split("/"))): Change(one.use, one.class_name)
        for one in made.folders
    }
    return Decisions(params.seed, params.val_share, folders, made.conflicts)


def go_on(session: Session, job: Job, params: ImportDatasetJob) -> bool:
    """Queue a paused import again with other parameters; False if it is not paused."""
    if job.state != "paused":
        return False
    job.params = params.model_dump(mode="json")
    session.flush()
    return service.resume(session, job)
