"""Studies, runs and what they have said, as the API's schemas."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy.orm import Session

from app.db import capabilities
from app.db import training as rows
from app.db import training_tables as db
from app.web.http.schemas import API
from app.web.training import schemas

Titles = dict[str, str]
PLACE = re.compile(r"([0-9a-f]{32}):([0-9]{1,15})\.([0-9]{1,15})\.([0-9]{1,15})")
FIELDS = ("step", "loss", "accuracy", "lr", "images_per_s")


def titles(session: Session) -> Titles:
    """Return the mechanisms' titles, as far as a worker has published them."""
    form = capabilities.get(session, capabilities.TRAINING) or {}
    return {entry["name"]: entry["title"] for entry in form.get("mechanisms", [])}


def study(session: Session, row: db.Study, runs: Sequence[db.TrainingRun]) -> schemas.Study:
    """Return a study with its runs."""
    names, address = titles(session), f"{API}/studies/{row.id}"
    return schemas.Study(
        id=row.id,
        name=row.name,
        dataset=schemas.DatasetRef(id=row.dataset.id, name=row.dataset.name),
        request=row.request,
        probes=row.probes,
        created_at=row.created_at,
        created_by=row.created_by,
        revision=sum(run.job.revision for run in runs),
        cursor=cursor(session, runs),
        runs=[run(one, names) for one in runs],
        links={"self": address, "events": f"{address}/events", "page": f"/training/{row.id}"},
    )


def studies(session: Session, found: Sequence[db.Study]) -> list[schemas.Study]:
    """Return studies with their runs, read at once."""
    runs: dict[str, list[db.TrainingRun]] = {row.id: [] for row in found}
    for one in rows.runs_of(session, list(runs)):
        runs[one.study_id].append(one)
    return [study(session, row, runs[row.id]) for row in found]


def cursor(session: Session, runs: Sequence[db.TrainingRun]) -> str:
    """Return where the events of these runs are: `revision;run:step.epoch.note;...`."""
    notes = rows.last_notes(session, [run.id for run in runs])
    places = {run.id: Place(run.step, run.epoch, notes.get(run.id, 0)) for run in runs}
    return as_text(sum(run.job.revision for run in runs), places)


class Place(tuple[int, int, int]):
    """Step, epoch and log line up to which a run has been told."""

    __slots__ = ()

    def __new__(cls, step: int = 0, epoch: int = 0, note: int = 0) -> Place:
        """Return the place."""
        return super().__new__(cls, (step, epoch, note))


def as_text(revision: int, places: dict[str, Place]) -> str:
    """Return a cursor as text."""
    told = [f"{run_id}:{'.'.join(map(str, place))}" for run_id, place in places.items()]
    return ";".join([str(revision), *told])


def from_text(text: str) -> dict[str, Place]:
    """Return the places of a cursor; what cannot be read is left out."""
    places = {}
    for part in text.split(";")[1:]:
        if found := PLACE.fullmatch(part):
            run_id, *numbers = found.groups()
            places[run_id] = Place(*map(int, numbers))
    return places


def run(row: db.TrainingRun, names: Titles) -> schemas.Run:
    """Return a run with its job's state."""
    job, summary = row.job, row.summary or {}
    return schemas.Run(
        id=row.id,
        study_id=row.study_id,
        mechanism=row.mechanism,
        title=names.get(row.mechanism, row.mechanism),
        seed=row.seed,
        position=row.position,
        state=job.state,
        progress=job.progress,
        message=job.message,
        error=job.error,
        detail=job.detail,
        traceback=job.traceback,
        step=row.step,
        steps=row.steps,
        epoch=row.epoch,
        epochs=row.config["epochs"],
        config=row.config,
        status=schemas.RunStatus(**row.status),
        summary=schemas.RunSummary.model_validate(summary) if summary else None,
        worst=summary.get("worst"),
        worst_maps=_maps(summary["worst_maps"]) if summary else None,
        model_id=row.model_id,
        attempts=job.attempts,
        created_at=row.created_at,
        started_at=job.started_at,
        finished_at=job.finished_at,
        links=_links(row),
    )


def _links(row: db.TrainingRun) -> dict[str, str]:
    address = f"{API}/training-runs/{row.id}"
    parts = ("events", "metrics", "log", "checkpoint", "card", "confusion")
    own = {"self": address} | {part: f"{address}/{part}" for part in parts}
    return {**own, "study": f"{API}/studies/{row.study_id}"}


def epoch(row: db.RunEpoch) -> schemas.Epoch:
    """Return one epoch."""
    values = {name: _finite(value) for name, value in row.values.items()}
    return schemas.Epoch(epoch=row.epoch, step=row.step, probes=_maps(row.probes), **values)


def points(found: Iterable[tuple[Any, ...]]) -> schemas.Points:
    """Return steps as columns."""
    columns = list(zip(*found, strict=True)) or [()] * len(FIELDS)
    values = {
        name: list(map(_finite, column)) for name, column in zip(FIELDS, columns, strict=True)
    }
    return schemas.Points(**values)


def thinned(found: list[tuple[Any, ...]], most: int) -> list[tuple[Any, ...]]:
    """Return at most about `most` steps: of each stretch those with the extremes of the loss."""
    if len(found) <= most:
        return found
    stretches = max(1, (most - 2) // 2)
    inner = found[1:-1]
    kept = [found[0]]
    for number in range(stretches):
        first = number * len(inner) // stretches
        part = inner[first : (number + 1) * len(inner) // stretches]
        low, high = min(part, key=_loss), max(part, key=_loss)
        kept += sorted({low, high})
    return [*kept, found[-1]]


def _loss(point: tuple[Any, ...]) -> float:
    return float(point[1])


def note(row: db.RunNote) -> schemas.Note:
    """Return a line of the log."""
    return schemas.Note(id=row.id, at=row.at, text=row.text)


def trial(row: db.Trial) -> schemas.Trial:
    """Return a trial."""
    job = row.job
    return schemas.Trial(
        id=row.id,
        kind=row.kind,
        state=job.state,
        progress=job.progress,
        result=row.result,
        error=job.error,
        detail=job.detail,
        links={"self": f"{API}/trials/{row.id}"},
    )


def _maps(found: dict[str, Any]) -> dict[str, schemas.Maps]:
    return {
        method: schemas.Maps(stages=said["stages"], unit=said.get("unit"))
        for method, said in found.items()
    }


def _finite(value: Any) -> Any:
    """Return the number; JSON has no infinity."""
    return value if isinstance(value, int) or math.isfinite(value) else None
