"""Job `trial`: what a run would cost, or how the loss answers to the learning rate."""

from __future__ import annotations

import shutil
from contextlib import closing
from typing import Any

from sqlalchemy.orm import Session

from app.core.errors import NotFound
from app.db import training as rows
from app.jobs.parameters import TrialJob
from ml.errors import MlError
from ml.train import estimate as trials
from ml.train.spec import RunSpec
from worker.context import Context
from worker.handlers import handles
from worker.training import run_spec


@handles(TrialJob)
def trial(params: TrialJob, context: Context) -> None:
    """Fill the trial's result."""
    runtime = context.runtime
    with runtime.readers() as session:
        row = rows.trial(session, params.trial_id)
        if row is None:
            raise NotFound("The trial was deleted.")
        spec = run_spec.of_trial(runtime, session, row.id, row.request)
    spec.folder.mkdir(parents=True, exist_ok=True)
    try:
        if row.kind == "cost":
            _store(context, row.id, dict(trials.cost(spec)), 1.0)
        else:
            _range(context, row.id, spec)
    finally:
        shutil.rmtree(spec.folder, ignore_errors=True)


def _range(context: Context, trial_id: str, spec: RunSpec) -> None:
    """Store the curve point by point; without a suggestion where the loss falls at no rate."""
    curve: list[dict[str, Any]] = []
    events: Any = trials.range_test(spec)
    with closing(events):
        for point in events:
            context.check()
            curve.append({"lr": point["lr"], "loss": point["loss"]})
            done = point["step"] / max(1, point["steps"])
            _store(context, trial_id, {"curve": curve, "suggestion": None}, done)
    try:
        found = {"curve": curve, "suggestion": trials.suggest(curve)}
    except MlError as error:
        found = {"curve": curve, "suggestion": None, "note": error.detail}
    _store(context, trial_id, found, 1.0)


def _store(context: Context, trial_id: str, result: dict[str, Any], progress: float) -> None:
    def write(session: Session) -> None:
        rows.set_trial_result(session, trial_id, result)

    context.commit(progress, "Measuring", write)
