"""Studies, runs and their results as the API's schemas."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from operator import attrgetter
from typing import Any

from sqlalchemy.orm import Session

from app.core.shares import completed, judged
from app.db import capabilities
from app.db import training as rows
from app.db import training_tables as db
from app.db.documents import RunSummary
from app.web.http.schemas import API, columns
from app.web.training import cursors, schemas

Titles = dict[str, str]
RUN_PARTS = ("events", "metrics", "log", "checkpoint", "card", "confusion")


def titles(session: Session) -> Titles:
    """Return the mechanisms' titles by name; empty until a worker has published them."""
    form = capabilities.get(session, capabilities.TRAINING) or {}
    return {entry["name"]: entry["title"] for entry in form.get("mechanisms", [])}


def study(session: Session, row: db.Study, runs: Sequence[db.TrainingRun]) -> schemas.Study:
    """Return a study with its runs."""
    names, address = titles(session), f"{API}/studies/{row.id}"
    return schemas.Study.model_validate(
        {
            **columns(row, schemas.Study),
            "dataset": row.dataset,
            "revision": sum(run.job.revision for run in runs),
            "cursor": cursors.of_runs(session, runs),
            "runs": [run(run_row, names) for run_row in runs],
            "links": {
                "self": address,
                "events": f"{address}/events",
                "page": f"/training/{row.id}",
            },
        }
    )


def studies(session: Session, study_rows: Sequence[db.Study]) -> list[schemas.Study]:
    """Return studies with their runs, all read at once."""
    runs: dict[str, list[db.TrainingRun]] = {row.id: [] for row in study_rows}
    for run_row in rows.runs_of(session, list(runs)):
        runs[run_row.study_id].append(run_row)
    return [study(session, row, runs[row.id]) for row in study_rows]


def run(row: db.TrainingRun, names: Titles) -> schemas.Run:
    """Return a run with its job's state."""
    summary, address = row.summary, f"{API}/training-runs/{row.id}"
    return schemas.Run.model_validate(
        {
            **columns(row.job, schemas.Run),
            **columns(row, schemas.Run),
            "title": names.get(row.mechanism, row.mechanism),
            "epochs": row.config["epochs"],
            "summary": _result(summary) if summary else None,
            "worst": summary.get("worst") if summary else None,
            "worst_maps": _maps(summary["worst_maps"]) if summary else None,
            "links": {
                "self": address,
                **{part: f"{address}/{part}" for part in RUN_PARTS},
                "study": f"{API}/studies/{row.study_id}",
            },
        }
    )


def epoch(row: db.RunEpoch) -> schemas.Epoch:
    """Return one epoch."""
    return schemas.Epoch.model_validate(
        {
            **{name: _finite(value) for name, value in row.values.items()},
            **columns(row, schemas.Epoch),
            "probes": _maps(row.probes),
        }
    )


def points(steps: Sequence[rows.Point]) -> schemas.Points:
    """Return steps as columns."""
    values = {name: [_finite(getattr(step, name)) for step in steps] for name in rows.Point._fields}
    return schemas.Points.model_validate(values)


def thinned(steps: list[rows.Point], most: int) -> list[rows.Point]:
    """Return about `most` steps: the first, the last, and the extremes of the loss in between."""
    loss = attrgetter("loss")
    if len(steps) <= most:
        return steps
    stretches = max(1, (most - 2) // 2)
    inner = steps[1:-1]
    thin = [steps[0]]
    for number in range(stretches):
        first = number * len(inner) // stretches
        stretch = inner[first : (number + 1) * len(inner) // stretches]
        thin += sorted({min(stretch, key=loss), max(stretch, key=loss)})
    return [*thin, steps[-1]]


def trial(row: db.Trial) -> schemas.Trial:
    """Return a trial with its job's state."""
    return schemas.Trial.model_validate(
        {
            **columns(row.job, schemas.Trial),
            **columns(row, schemas.Trial),
            "links": {"self": f"{API}/trials/{row.id}"},
        }
    )


def _result(summary: RunSummary) -> dict[str, Any]:
    """Return a run's result with how many were judged, and the interval that follows."""
    metrics = completed(summary["card"].get("metrics", {}))
    return {**summary, "images": judged(metrics), "interval": metrics.get("interval")}


def _maps(maps: Mapping[str, Any]) -> dict[str, Any]:
    """Return maps by method; those of older runs have no unit."""
    return {method: {"unit": None, **facts} for method, facts in maps.items()}


def _finite(value: Any) -> float | None:
    """Return the number, or None if it is infinite or NaN: JSON has neither."""
    return value if math.isfinite(value) else None
