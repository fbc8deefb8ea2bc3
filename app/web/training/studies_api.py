"""Studies: runs that are compared."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, status
from fastapi.sse import EventSourceResponse, ServerSentEvent

from app.db import training as rows
from app.training import control
from app.web.http import pagination
from app.web.http.deps import ReadSession, StateDep, WriteSession
from app.web.http.parameters import Cursor, Limit, PathId, errors, errors_of_stream
from app.web.http.principal import Audit, Reader, Trainer
from app.web.http.schemas import Page
from app.web.training import present, schemas
from app.web.training.events import After, Follower, LastEventId

router = APIRouter(prefix="/studies", tags=["training"])


def existing(study_id: PathId, session: ReadSession) -> str:
    """Return the id of a study that exists: an error can no more be sent inside a stream."""
    return control.found_study(session, study_id).id


@router.get(
    "",
    response_model=Page[schemas.Study],
    summary="List the studies",
    responses=errors(401, 403),
)
def list_studies(session: ReadSession, _: Reader, limit: Limit = 20, cursor: Cursor = None) -> Any:
    """Every study with its runs, the newest first."""
    found = rows.studies(session, limit + 1, pagination.decode(cursor))
    part, following = pagination.cut(found, limit)
    return Page(items=present.studies(session, part), next=following)


@router.get(
    "/{study_id}", response_model=schemas.Study, summary="A study", responses=errors(401, 403, 404)
)
def get_study(study_id: PathId, session: ReadSession, _: Reader) -> Any:
    """The study with all of its runs."""
    study = control.found_study(session, study_id)
    return present.study(session, study, rows.runs_of(session, [study_id]))


@router.get(
    "/{study_id}/events",
    response_class=EventSourceResponse,
    summary="Follow a study",
    responses=errors_of_stream(401, 403, 404),
)
async def events(
    request: Request,
    web: StateDep,
    _: Reader,
    found: Annotated[str, Depends(existing)],
    after: After = "",
    last_event_id: LastEventId = "",
) -> AsyncIterator[ServerSentEvent]:
    """Server-sent events: `study` on every change, and what its runs have said.

    `points` (columns of steps), `epochs` and `notes` are objects by run id with what is new.
    Without `after` everything that has been said so far comes first. A browser resumes by itself.
    """
    if request.scope.get("head"):
        return
    async for event in Follower(web, found, last_event_id or after).events():
        yield event


@router.delete(
    "/{study_id}",
    status_code=status.HTTP_204_NO_CONTENT,
    summary="Delete a study",
    responses=errors(401, 403, 404, 409),
)
def remove(
    study_id: PathId, session: WriteSession, web: StateDep, _: Trainer, audit: Audit
) -> None:
    """End its runs and remove everything that they have written. 409 while one is published."""
    study = control.found_study(session, study_id)
    control.delete_study(session, web.blobs, web.settings, study)
    audit("study.delete", study_id, name=study.name)
