"""The plan of an import that waits, for its page and the API."""

from __future__ import annotations

from app.core.errors import Conflict
from app.datasets.importing import plan as plans
from app.db.training_tables import Dataset
from app.jobs.imports import decisions_of
from app.jobs.parameters import ImportDatasetJob
from app.web.datasets import schemas
from app.web.http.state import AppState

OVER = "This import does not wait for a decision: it is {}."


def waiting(dataset: Dataset) -> ImportDatasetJob:
    """Return the parameters of an import that waits; Conflict if it does not."""
    if dataset.job.state != "paused":
        raise Conflict(OVER.format(dataset.job.state))
    return ImportDatasetJob.model_validate(dataset.job.params)


def plan_of(web: AppState, dataset: Dataset, params: ImportDatasetJob) -> schemas.Plan:
    """Return what a waiting import would make with these parameters."""
    decisions = decisions_of(params)
    base = plans.base_of(web.blobs, web.settings, dataset.source, dataset.id)
    staged, report = plans.kept(web.blobs, base, dataset.id, decisions)
    return schemas.Plan.model_validate(plans.plan(staged, report, decisions))


def waiting_plan(web: AppState, dataset: Dataset) -> schemas.Plan:
    """Return the plan as it was understood; Conflict if the import does not wait."""
    return plan_of(web, dataset, waiting(dataset))
