"""Training: the launch form, trials and runs."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response, status
from fastapi.sse import EventSourceResponse, ServerSentEvent
from sqlalchemy.orm import Session

from app.core.errors import NotFound
from app.db import models
from app.db import training as rows
from app.db.training_tables import TrainingRun
from app.training import control, launch
from app.training.form import read
from app.web.http import pagination
from app.web.http.deps import ReadSession, StateDep, WriteSession
from app.web.http.parameters import Cursor, Limit, PathId, errors, errors_of_stream
from app.web.http.principal import Audit, Reader, Trainer
from app.web.http.schemas import Page
from app.web.models.schemas import Model
from app.web.training import present, schemas
from app.web.training.events import After, Follower, LastEventId
from app.web.training.find import AdministeredRun, ReadableRun, TrainableRun

router = APIRouter(tags=["training"])


@router.get(
    "/training-form", summary="What can be trained, and how", responses=errors(401, 403, 503)
)
def training_form(session: ReadSession, _: Reader) -> Mapping[str, object]:
    """Fields with titles, types, defaults and bounds; mechanisms with their own parameters.

    `recipe` is what a mechanism's shipped checkpoint used. 503 until a worker has published it.
    """
    return read(session).published


@router.post(
    "/trials",
    status_code=status.HTTP_202_ACCEPTED,
    summary="Look before a launch",
    responses=errors(400, 401, 403, 404, 409, 503),
)
def create_trial(
    body: schemas.TrialCreate, response: Response, session: WriteSession, _: Trainer
) -> schemas.Trial:
    """Measure what a run would cost, or test learning rates; poll `links.self` for the result."""
    request = launch.LaunchRequest(
        dataset_id=body.dataset_id,
        mechanisms=[body.mechanism],
        config=body.config,
        parameters={body.mechanism: body.parameters},
        start_run=body.start_run,
    )
    trial = present.trial(launch.add_trial(session, body.kind, request))
    response.headers["Location"] = trial.links["self"]
    return trial


@router.get("/trials/{trial_id}", summary="A trial", responses=errors(401, 403, 404))
def get_trial(trial_id: PathId, session: ReadSession, _: Reader) -> schemas.Trial:
    """The trial's progress and result."""
    if (trial := rows.trial(session, trial_id)) is None:
        raise NotFound("There is no trial with this id.")
    return present.trial(trial)


@router.post(
    "/training-runs",
    status_code=status.HTTP_202_ACCEPTED,
    summary="Launch a study",
    responses=errors(400, 401, 403, 404, 409, 503),
)
def create(
    body: schemas.StudyCreate,
    response: Response,
    session: WriteSession,
    web: StateDep,
    principal: Trainer,
    audit: Audit,
) -> schemas.Study:
    """Queue one run for each mechanism and seed; by default all mechanisms as shipped."""
    row = launch.launch(
        session,
        web.blobs,
        launch.LaunchRequest(**body.model_dump()),
        request=body.model_dump(mode="json", exclude_unset=True),
        by=principal.name,
    )
    runs = rows.runs_of(session, [row.id])
    audit("study.create", row.id, name=row.name, runs=len(runs))
    study = present.study(session, row, runs)
    response.headers["Location"] = study.links["self"]
    return study


@router.get("/training-runs", summary="List the runs", responses=errors(401, 403))
def list_runs(
    session: ReadSession,
    _: Reader,
    study_id: Annotated[
        str | None,
        Query(pattern=r"^[0-9a-f]{32}$", description="Only of this study, in row order."),
    ] = None,
    queue: Annotated[
        bool, Query(description="Only running and waiting runs, in the order of the queue.")
    ] = False,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[schemas.Run]:
    """Runs, the newest first."""
    runs: Sequence[TrainingRun]
    following = None
    if queue:
        runs = rows.in_queue(session)
    elif study_id is not None:
        runs = rows.runs_of(session, [study_id])
    else:
        runs, following = pagination.fetch(partial(rows.runs, session), limit, cursor)
    titles = present.titles(session)
    return Page(items=[present.run(run, titles) for run in runs], next=following)


@router.get("/training-runs/{run_id}", summary="A run", responses=errors(401, 403, 404))
def get_run(run: ReadableRun, session: ReadSession) -> schemas.Run:
    """The run's progress, configuration and result."""
    return present.run(run, present.titles(session))


@router.get(
    "/training-runs/{run_id}/events",
    response_class=EventSourceResponse,
    summary="Follow a run",
    responses=errors_of_stream(401, 403, 404),
)
async def events(
    request: Request,
    web: StateDep,
    run: ReadableRun,
    after: After = "",
    last_event_id: LastEventId = "",
) -> AsyncIterator[ServerSentEvent]:
    """The events of its study, for this run alone, with `run` instead of `study`."""
    if request.scope.get("head"):
        return
    async for event in Follower(web, run.study_id, last_event_id or after, run.id).events():
        yield event


@router.post(
    "/training-runs/{run_id}/cancel", summary="Stop a run", responses=errors(401, 403, 404, 409)
)
def cancel(run: TrainableRun, session: WriteSession, audit: Audit) -> schemas.Run:
    """End a run within two steps. Its state is kept, so it can be resumed."""
    control.cancel(session, run)
    return _audited(session, run, audit, "cancel")


@router.post(
    "/training-runs/{run_id}/pause", summary="Pause a run", responses=errors(401, 403, 404, 409)
)
def pause(run: TrainableRun, session: WriteSession, audit: Audit) -> schemas.Run:
    """Pause a run that waits or runs; a running one stops within two steps and keeps its state."""
    control.pause(session, run)
    return _audited(session, run, audit, "pause")


@router.post(
    "/training-runs/{run_id}/resume", summary="Resume a run", responses=errors(401, 403, 404, 409)
)
def resume(run: TrainableRun, session: WriteSession, audit: Audit) -> schemas.Run:
    """Queue a paused, cancelled or failed run again; it continues from its last state."""
    control.resume(session, run)
    return _audited(session, run, audit, "resume")


@router.post(
    "/training-runs/{run_id}/move",
    summary="Move a waiting run",
    responses=errors(400, 401, 403, 404, 409),
)
def move(run: TrainableRun, body: schemas.Move, session: WriteSession, audit: Audit) -> schemas.Run:
    """Put a waiting run in front of another one, or at the end of the queue."""
    before = None if body.before is None else control.find_run(session, body.before)
    control.move(session, run, before)
    return _audited(session, run, audit, "move", before=body.before)


@router.post(
    "/training-runs/{run_id}/publish",
    summary="Publish a run",
    responses=errors(400, 401, 403, 404, 409),
)
def publish(
    run: AdministeredRun, body: schemas.Publish, session: WriteSession, audit: Audit
) -> Model:
    """Add the run's network to the table of models; returns its card."""
    model = control.publish(session, run, body.model_id, body.title)
    title = model.card["title"]
    audit("run.publish", run.id, **_names(session, run), model=model.id, title=title)
    return Model.model_validate(model.card)


@router.post(
    "/training-runs/{run_id}/unpublish",
    summary="Take a run out of the table",
    responses=errors(401, 403, 404, 409),
)
def unpublish(run: AdministeredRun, session: WriteSession, audit: Audit) -> schemas.Run:
    """New analyses cannot use its model; stored ones keep its results."""
    model_id = run.model_id
    model = models.get(session, model_id or "")
    control.unpublish(session, run)
    title = model.card["title"] if model is not None else None
    return _audited(session, run, audit, "unpublish", model=model_id, title=title)


@router.delete(
    "/training-runs/{run_id}",
    status_code=status.HTTP_204_NO_CONTENT,
    summary="Delete a run",
    responses=errors(401, 403, 404, 409),
)
def remove(run: TrainableRun, session: WriteSession, web: StateDep, audit: Audit) -> None:
    """End the run and remove all its files. 409 while it is published."""
    audit("run.delete", run.id, **_names(session, run))
    control.delete_run(session, web.blobs, web.settings, run)


def _audited(
    session: Session, run: TrainingRun, audit: Audit, action: str, **detail: str | None
) -> schemas.Run:
    """Write what was done to a run into the audit; return the run."""
    audit(f"run.{action}", run.id, **_names(session, run), **detail)
    return present.run(run, present.titles(session))


def _names(session: Session, run: TrainingRun) -> dict[str, str]:
    """Return what a run and its study are called, for the audit: both may be deleted later."""
    title = present.titles(session).get(run.mechanism, run.mechanism)
    return {"run": title, "study": run.study.name, "study_id": run.study_id}
