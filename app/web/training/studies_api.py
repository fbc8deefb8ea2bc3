"""Studies: runs that are compared."""

from __future__ import annotations

from collections.abc import AsyncIterator
from functools import partial

from fastapi import APIRouter, Request, status
from fastapi.sse import EventSourceResponse, ServerSentEvent

from app.db import training as rows
from app.training import control
from app.web.http import pagination
from app.web.http.deps import ReadSession, StateDep, WriteSession
from app.web.http.parameters import Cursor, Limit, errors, errors_of_stream
from app.web.http.principal import Audit, Reader
from app.web.http.schemas import Page
from app.web.training import present, schemas
from app.web.training.events import After, Follower, LastEventId
from app.web.training.find import ReadableStudy, TrainableStudy

router = APIRouter(prefix="/studies", tags=["training"])


@router.get("", summary="List the studies", responses=errors(401, 403))
def list_studies(
    session: ReadSession, _: Reader, limit: Limit = 20, cursor: Cursor = None
) -> Page[schemas.Study]:
    """Every study with its runs, the newest first."""
    studies, following = pagination.fetch(partial(rows.studies, session), limit, cursor)
    return Page(items=present.studies(session, studies), next=following)


@router.get("/{study_id}", summary="A study", responses=errors(401, 403, 404))
def get_study(study: ReadableStudy, session: ReadSession) -> schemas.Study:
    """The study with all of its runs."""
    return present.study(session, study, rows.runs_of(session, [study.id]))


@router.get(
    "/{study_id}/events",
    response_class=EventSourceResponse,
    summary="Follow a study",
    responses=errors_of_stream(401, 403, 404),
)
async def events(
    request: Request,
    web: StateDep,
    study: ReadableStudy,
    after: After = "",
    last_event_id: LastEventId = "",
) -> AsyncIterator[ServerSentEvent]:
    """Server-sent events: `study` on every change, and the new results of its runs.

    `points` (columns of steps), `epochs` and `notes` are objects by run id with what is new.
    Without `after` all results so far come first. A browser resumes by itself.
    """
    if request.scope.get("head"):
        return
    async for event in Follower(web, study.id, last_event_id or after).events():
        yield event


@router.delete(
    "/{study_id}",
    status_code=status.HTTP_204_NO_CONTENT,
    summary="Delete a study",
    responses=errors(401, 403, 404, 409),
)
def remove(study: TrainableStudy, session: WriteSession, web: StateDep, audit: Audit) -> None:
    """End its runs and remove all their files. 409 while one is published."""
    control.delete_study(session, web.blobs, web.settings, study)
    audit("study.delete", study.id, name=study.name)
