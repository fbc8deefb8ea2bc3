"""Job `trial`: what a run would cost, or which learning rate suits it."""

from __future__ import annotations

import shutil
from contextlib import closing
from typing import NotRequired, TypedDict

from sqlalchemy.orm import Session

from app.core.errors import NotFound
from app.db import training as rows
from app.jobs.parameters import TrialJob
from ml.errors import MlError
from ml.train.estimate import Cost, RangePoint, cost, range_test, suggest
from ml.train.spec import RunSpec
from worker.context import Context
from worker.handlers import handles
from worker.training import run_spec


class RangeResult(TypedDict):
    """The curve of a learning rate range test so far; `note` is why no rate is suggested."""

    curve: list[RangePoint]
    suggestion: float | None
    note: NotRequired[str]


@handles(TrialJob)
def trial(params: TrialJob, context: Context) -> None:
    """Store the trial's result."""
    runtime = context.runtime
    with runtime.readers() as session:
        row = rows.trial(session, params.trial_id)
        if row is None:
            raise NotFound("The trial was deleted.")
        spec = run_spec.of_trial(runtime, session, row.id, row.request)
    spec.folder.mkdir(parents=True, exist_ok=True)
    try:
        if row.kind == "cost":
            _store(context, row.id, cost(spec), 1.0)
        else:
            _range(context, row.id, spec)
    finally:
        shutil.rmtree(spec.folder, ignore_errors=True)


def _range(context: Context, trial_id: str, spec: RunSpec) -> None:
    """Store the curve point by point, and a suggestion if the loss falls at some rate."""
    curve: list[RangePoint] = []
    with closing(range_test(spec)) as points:
        for point, share in points:
            context.check()
            curve.append(point)
            _store(context, trial_id, {"curve": curve, "suggestion": None}, share)
    result: RangeResult
    try:
        result = {"curve": curve, "suggestion": suggest(curve)}
    except MlError as error:
        result = {"curve": curve, "suggestion": None, "note": error.detail}
    _store(context, trial_id, result, 1.0)


def _store(context: Context, trial_id: str, result: Cost | RangeResult, progress: float) -> None:
    def write(session: Session) -> None:
        rows.set_trial_result(session, trial_id, {**result})

    context.commit(progress, "Measuring", write)
