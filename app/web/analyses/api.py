"""Analyses: ask for one, follow it, stop it, delete it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from functools import partial
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Header, Query, Request, Response, status
from fastapi.sse import EventSourceResponse, ServerSentEvent
from pydantic import AfterValidator, AwareDatetime, BaseModel, Field
from sqlalchemy.orm import Session

from app.core.errors import Conflict
from app.db import analyses as rows
from app.db.garbage import analyses_of
from app.db.hooks import after_commit
from app.db.tables import Analysis
from app.jobs.parameters import Stream
from app.jobs.service import request_cancel
from app.jobs.states import State
from app.media.deletion import delete_analysis, delete_media
from app.media.quota import check_analyses
from app.web.analyses import create as requests
from app.web.analyses import present, schemas
from app.web.analyses.allowance import Allowance
from app.web.analyses.events import follow
from app.web.analyses.find import find_analysis
from app.web.http import pagination
from app.web.http.deps import KnownVisitor, ReadSession, StateDep, Visitor, WriteSession, must_own
from app.web.http.parameters import Cursor, Limit, PathId, errors, errors_of_stream
from app.web.http.principal import Audit, MaybeUser, may_take_down
from app.web.http.schemas import Id, Page
from app.web.http.state import AppState
from app.web.media.find import find_media

router = APIRouter(prefix="/analyses", tags=["analyses"])
Text = Annotated[str | None, Field(max_length=64)]
WithMedia = Annotated[
    bool, Query(description="Also delete the photo or clip if no other analysis is of it.")
]
Second = Annotated[float | None, Field(ge=0, allow_inf_nan=False)]


class MapFilter(BaseModel):
    """Which maps are listed; what is left out does not matter."""

    model: Text = None
    stream: Stream | None = None
    stage: Text = None
    method: Text = None
    from_s: Second = Field(default=None, description="Of a clip: the first moment, in seconds.")
    to_s: Second = Field(default=None, description="Of a clip: the last moment, in seconds.")


def _in_utc(value: datetime) -> datetime:
    """Return the same moment in UTC, as the database compares times."""
    try:
        return value.astimezone(UTC)
    except OverflowError:
        raise ValueError("this time is too early or too late") from None


Moment = Annotated[AwareDatetime, AfterValidator(_in_utc)]


class ListFilter(BaseModel):
    """Which of a visitor's analyses are listed."""

    search: str = Field(
        default="",
        max_length=100,
        pattern=r"^[^\x00]*$",
        description="Text in the file's name or in what the first model says.",
    )
    kind: Literal["image", "clip"] | None = None
    since: Moment | None = Field(default=None, description="Made at this moment or later.")
    before: Moment | None = Field(default=None, description="Made before this moment.")

    def wanted(self) -> rows.Wanted:
        """Return the conditions for the query."""
        return rows.Wanted(self.search.strip(), self.kind, self.since, self.before)


def existing(analysis_id: PathId, session: ReadSession) -> str:
    """Return the id of an analysis that exists: an error can no more be sent inside a stream."""
    return find_analysis(session, analysis_id).id


@router.post(
    "",
    status_code=status.HTTP_202_ACCEPTED,
    summary="Explain a photo or a clip",
    responses={
        200: {"model": schemas.Analysis, "description": "Answered from what is stored."},
        **errors(400, 403, 404, 429, 503, 507),
    },
)
def create(
    request: schemas.AnalysisCreate,
    http: Request,
    response: Response,
    web: StateDep,
    session: WriteSession,
    visitor: Visitor,
    principal: MaybeUser,
) -> schemas.Analysis:
    """Queue an analysis; follow it at `links.events` or read `links.self` until it has ended.

    The same file with the same request (models with their checkpoints, methods, target, size, and
    of a clip segments, range and flow) is answered from what is stored: 200, with `stored` true.
    """
    allowance = Allowance(web, http, visitor)
    allowance.check()
    medium = find_media(session, request.media_id)
    check_analyses(session, web.settings, visitor)
    row = requests.create(session, medium, request, visitor, principal.viewer, allowance)
    stored = row.job.state == State.SUCCEEDED
    response.status_code = status.HTTP_200_OK if stored else status.HTTP_202_ACCEPTED
    body = present.analysis(row, rows.predictions(session, row.id), stored=stored)
    response.headers["Location"] = body.links.self
    return body


@router.get("", summary="List your analyses", responses=errors())
def list_analyses(
    session: ReadSession,
    visitor: KnownVisitor,
    which: Annotated[ListFilter, Query()],
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Page[schemas.ListedAnalysis]:
    """This visitor's analyses, newest first."""
    fetch = partial(rows.page, session, visitor or "", which.wanted())
    found, following = pagination.fetch(fetch, limit, cursor)
    said = rows.first_predictions(session, found)
    items = [present.listed(row, said.get(row.id)) for row in found]
    return Page(items=items, next=following)


@router.delete(
    "",
    status_code=status.HTTP_204_NO_CONTENT,
    summary="Delete several analyses",
    responses=errors(403),
)
def remove_several(
    session: WriteSession,
    visitor: KnownVisitor,
    web: StateDep,
    ids: Annotated[list[Id], Query(alias="id", min_length=1, max_length=100)],
    with_media: WithMedia = False,
) -> None:
    """Delete all of them, or none if one is somebody else's; those that are gone do not matter."""
    found = rows.several(session, ids)
    for row in found:
        must_own(row.owner, visitor)
    for row in found:
        _remove(session, web, row, with_media=with_media)


@router.get(
    "/{analysis_id}",
    summary="State and predictions",
    responses=errors(404),
)
def get_analysis(analysis_id: PathId, session: ReadSession) -> schemas.Analysis:
    """How far the analysis is, what each model says so far, and where the rest is."""
    row = find_analysis(session, analysis_id)
    return present.analysis(row, rows.predictions(session, analysis_id))


@router.get(
    "/{analysis_id}/heatmaps",
    summary="List the maps that are ready",
    responses=errors(404),
)
def list_heatmaps(
    analysis_id: PathId, session: ReadSession, which: Annotated[MapFilter, Query()]
) -> Page[schemas.Heatmap]:
    """Every map so far that is asked for, by model, stage, method and time; all in one part."""
    find_analysis(session, analysis_id)
    maps = rows.heatmaps(session, analysis_id, rows.Choice(**which.model_dump()))
    return Page(items=[present.heatmap(row) for row in maps])


@router.get(
    "/{analysis_id}/events",
    response_class=EventSourceResponse,
    summary="Follow an analysis",
    responses=errors_of_stream(404),
)
async def events(
    request: Request,
    web: StateDep,
    known_id: Annotated[str, Depends(existing)],
    last_event_id: Annotated[
        int, Header(description="The last revision seen; only newer ones follow.")
    ] = -1,
) -> AsyncIterator[ServerSentEvent]:
    """Server-sent events: `id` is the revision, `event` is `analysis`, `data` the analysis.

    The stream ends with the analysis, or after two minutes; a browser then resumes by itself.
    """
    if request.scope.get("head"):
        return
    async for event in follow(web, known_id, last_event_id):
        yield event


@router.post(
    "/{analysis_id}/cancel",
    summary="Stop an analysis",
    responses=errors(403, 404, 409),
)
def cancel(analysis_id: PathId, session: WriteSession, visitor: KnownVisitor) -> schemas.Analysis:
    """Stop a queued analysis at once, a running one within a second. Only for who asked for it."""
    row = find_analysis(session, analysis_id)
    must_own(row.owner, visitor)
    if not request_cancel(session, row.job):
        raise Conflict(f"The analysis has ended already: it has {row.job.state}.")
    return present.analysis(row, rows.predictions(session, analysis_id))


@router.delete(
    "/{analysis_id}",
    status_code=status.HTTP_204_NO_CONTENT,
    summary="Delete an analysis",
    responses=errors(403, 404),
)
def remove(
    analysis_id: PathId,
    session: WriteSession,
    visitor: KnownVisitor,
    web: StateDep,
    audit: Audit,
    with_media: WithMedia = False,
) -> None:
    """Remove the analysis and the maps that no other one shares. For its owner, and for admins."""
    row = find_analysis(session, analysis_id)
    if may_take_down(row.owner, visitor, audit.principal):
        audit("takedown.analysis", analysis_id, file=row.media.filename, owner=row.owner)
    _remove(session, web, row, with_media=with_media)


def _remove(session: Session, web: AppState, row: Analysis, *, with_media: bool) -> None:
    medium = row.media
    after_commit(session, partial(web.cache.drop, row.id))
    delete_analysis(session, web.blobs, row)
    if with_media and medium.owner == row.owner and not analyses_of(session, medium.id):
        delete_media(session, web.blobs, medium)
