"""Training: the launch form, trials, runs and what is done with them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response, status
from fastapi.sse import EventSourceResponse, ServerSentEvent
from sqlalchemy.orm import Session

from app.core.errors import NotFound
from app.db import training as rows
from app.db.training_tables import TrainingRun
from app.training import control, launch
from app.training.form import read
from app.web.http import pagination
from app.web.http.deps import ReadSession, StateDep, WriteSession
from app.web.http.parameters import Cursor, Limit, PathId, errors, errors_of_stream
from app.web.http.principal import Admin, Audit, Reader, Trainer
from app.web.http.schemas import Page
from app.web.models.schemas import Model
from app.web.training import present, schemas
from app.web.training.events import After, Follower, LastEventId

router = APIRouter(tags=["training"])


@router.get(
    "/training-form", summary="What can be trained, and how", responses=errors(401, 403, 503)
)
def training_form(session: ReadSession, _: Reader) -> dict[str, Any]:
    """Fields with titles, types, defaults and bounds; mechanisms with their own parameters.

    `recipe` is what a mechanism's shipped checkpoint used. 503 until a worker has published it.
    """
    return read(session).published


@router.post(
    "/trials",
    status_code=status.HTTP_202_ACCEPTED,
    response_model=schemas.Trial,
    summary="Look before a launch",
    responses=errors(400, 401, 403, 404, 409, 503),
)
def create_trial(
    asked: schemas.TrialCreate, response: Response, session: WriteSession, _: Trainer
) -> Any:
    """What a run would cost, or a range test of the learning rate; read `links.self` until then."""
    wanted = launch.LaunchRequest(
        dataset_id=asked.dataset_id,
        mechanisms=[asked.mechanism],
        config=asked.config,
        parameters={asked.mechanism: asked.parameters},
        start_run=asked.start_run,
    )
    body = present.trial(launch.add_trial(session, asked.kind, wanted))
    response.headers["Location"] = body.links["self"]
    return body


@router.get(
    "/trials/{trial_id}",
    response_model=schemas.Trial,
    summary="A trial",
    responses=errors(401, 403, 404),
)
def get_trial(trial_id: PathId, session: ReadSession, _: Reader) -> Any:
    """How far the trial is, and what it has found."""
    if (trial := rows.trial(session, trial_id)) is None:
        raise NotFound("There is no trial with this id.")
    return present.trial(trial)


@router.post(
    "/training-runs",
    status_code=status.HTTP_202_ACCEPTED,
    response_model=schemas.Study,
    summary="Launch a study",
    responses=errors(400, 401, 403, 404, 409, 503),
)
def create(
    asked: schemas.StudyCreate,
    response: Response,
    session: WriteSession,
    web: StateDep,
    who: Trainer,
    audit: Audit,
) -> Any:
    """Queue one run for each mechanism and seed; without any option all mechanisms, as shipped."""
    request = asked.model_dump(mode="json", exclude_unset=True)
    wanted = launch.LaunchRequest(**asked.model_dump())
    study = launch.launch(session, web.blobs, wanted, request=request, by=who.name)
    runs = rows.runs_of(session, [study.id])
    audit("study.create", study.id, name=study.name, runs=len(runs))
    body = present.study(session, study, runs)
    response.headers["Location"] = body.links["self"]
    return body


@router.get(
    "/training-runs",
    response_model=Page[schemas.Run],
    summary="List the runs",
    responses=errors(401, 403),
)
def list_runs(
    session: ReadSession,
    _: Reader,
    study_id: Annotated[
        str | None, Query(pattern=r"^[0-9a-f]{32}$", description="Only this study's, in row order.")
    ] = None,
    queue: Annotated[
        bool, Query(description="Only what runs and what waits, in the order of the queue.")
    ] = False,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Any:
    """Runs, the newest first."""
    names = present.titles(session)
    if queue:
        return Page(items=[present.run(row, names) for row in rows.in_line(session)])
    if study_id is not None:
        return Page(items=[present.run(r, names) for r in rows.runs_of(session, [study_id])])
    part, following = pagination.cut(
        rows.runs(session, limit + 1, pagination.decode(cursor)), limit
    )
    return Page(items=[present.run(row, names) for row in part], next=following)


@router.get(
    "/training-runs/{run_id}",
    response_model=schemas.Run,
    summary="A run",
    responses=errors(401, 403, 404),
)
def get_run(run_id: PathId, session: ReadSession, _: Reader) -> Any:
    """How far the run is, and what it came to."""
    return present.run(control.found_run(session, run_id), present.titles(session))


def existing(run_id: PathId, session: ReadSession) -> tuple[str, str]:
    """Return (study, run) of a run that exists: no error can be sent inside a stream."""
    run = control.found_run(session, run_id)
    return run.study_id, run.id


@router.get(
    "/training-runs/{run_id}/events",
    response_class=EventSourceResponse,
    summary="Follow a run",
    responses=errors_of_stream(401, 403, 404),
)
async def events(
    request: Request,
    web: StateDep,
    _: Reader,
    found: Annotated[tuple[str, str], Depends(existing)],
    after: After = "",
    last_event_id: LastEventId = "",
) -> AsyncIterator[ServerSentEvent]:
    """As the events of its study, for this run alone; `run` instead of `study`."""
    if request.scope.get("head"):
        return
    study_id, run_id = found
    async for event in Follower(web, study_id, last_event_id or after, run_id).events():
        yield event


@router.post(
    "/training-runs/{run_id}/cancel",
    response_model=schemas.Run,
    summary="Stop a run",
    responses=errors(401, 403, 404, 409),
)
def cancel(run_id: PathId, session: WriteSession, _: Trainer, audit: Audit) -> Any:
    """End a run within two steps. Its state is kept: it can be resumed."""
    run = control.found_run(session, run_id)
    control.cancel(session, run)
    return _done(session, run, audit, "cancel")


@router.post(
    "/training-runs/{run_id}/pause",
    response_model=schemas.Run,
    summary="Pause a run",
    responses=errors(401, 403, 404, 409),
)
def pause(run_id: PathId, session: WriteSession, _: Trainer, audit: Audit) -> Any:
    """Hold a run that waits or runs; a running one stops within two steps and keeps its state."""
    run = control.found_run(session, run_id)
    control.pause(session, run)
    return _done(session, run, audit, "pause")


@router.post(
    "/training-runs/{run_id}/resume",
    response_model=schemas.Run,
    summary="Resume a run",
    responses=errors(401, 403, 404, 409),
)
def resume(run_id: PathId, session: WriteSession, _: Trainer, audit: Audit) -> Any:
    """Queue a paused, cancelled or failed run again; it goes on from its last state."""
    run = control.found_run(session, run_id)
    control.resume(session, run)
    return _done(session, run, audit, "resume")


@router.post(
    "/training-runs/{run_id}/move",
    response_model=schemas.Run,
    summary="Move a waiting run",
    responses=errors(400, 401, 403, 404, 409),
)
def move(
    run_id: PathId, asked: schemas.Move, session: WriteSession, _: Trainer, audit: Audit
) -> Any:
    """Put a waiting run in front of another one, or at the end of the line."""
    run = control.found_run(session, run_id)
    before = None if asked.before is None else control.found_run(session, asked.before)
    control.move(session, run, before)
    return _done(session, run, audit, "move", before=asked.before)


@router.post(
    "/training-runs/{run_id}/publish",
    response_model=Model,
    summary="Publish a run",
    responses=errors(400, 401, 403, 404, 409),
)
def publish(
    run_id: PathId, asked: schemas.Publish, session: WriteSession, _: Admin, audit: Audit
) -> Any:
    """Offer the run's network as a model of the table; returns its card."""
    run = control.found_run(session, run_id)
    card = control.publish(session, run, asked.model_id, asked.title)
    audit("run.publish", run_id, model=card.id)
    return card.card


@router.post(
    "/training-runs/{run_id}/unpublish",
    response_model=schemas.Run,
    summary="Take a run out of the table",
    responses=errors(401, 403, 404, 409),
)
def unpublish(run_id: PathId, session: WriteSession, _: Admin, audit: Audit) -> Any:
    """No new analysis can ask for its model; stored ones keep what it said."""
    run = control.found_run(session, run_id)
    model = run.model_id
    control.unpublish(session, run)
    return _done(session, run, audit, "unpublish", model=model)


@router.delete(
    "/training-runs/{run_id}",
    status_code=status.HTTP_204_NO_CONTENT,
    summary="Delete a run",
    responses=errors(401, 403, 404, 409),
)
def remove(run_id: PathId, session: WriteSession, web: StateDep, _: Trainer, audit: Audit) -> None:
    """End the run and remove everything that it has written. 409 while it is published."""
    run = control.found_run(session, run_id)
    audit("run.delete", run_id, mechanism=run.mechanism)
    control.delete_run(session, web.blobs, web.settings, run)


def _done(
    session: Session, run: TrainingRun, audit: Audit, what: str, **about: str | None
) -> schemas.Run:
    """Note what was done to a run, and return it."""
    audit(f"run.{what}", run.id, **about)
    return present.run(run, present.titles(session))
