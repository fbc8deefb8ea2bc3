"""Clips over time: tracks of maps, frames, and motion."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response
from sqlalchemy.orm import Session

from app.core.errors import NotFound
from app.db import analyses as rows
from app.db.tables import Analysis
from app.jobs.parameters import Stage, Stream
from app.web.analyses import flow, present, rendering, schemas
from app.web.analyses.drawing import flow_colours, npy
from app.web.analyses.find import find_analysis
from app.web.http.deps import ReadSession, StateDep
from app.web.http.parameters import PathId, binary, errors
from app.web.http.schemas import Page
from app.web.http.state import AppState

router = APIRouter(prefix="/analyses", tags=["clips"])
NPY = "application/octet-stream"
MOST_SEGMENTS = 32
Segment = Annotated[int, Path(ge=0, lt=MOST_SEGMENTS, description="Which snippet, from 0.")]
PathName = Annotated[str, Path(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")]
Make = Callable[[AppState, Session, Analysis], bytes]


@router.get(
    "/{analysis_id}/tracks",
    summary="List the maps of a clip over time",
    responses=errors(404),
)
def list_tracks(analysis_id: PathId, session: ReadSession) -> Page[schemas.Track]:
    """Every track that is ready: a model, stream, stage and method each. A photo has none."""
    find_analysis(session, analysis_id)
    return Page(items=present.tracks(rows.heatmaps(session, analysis_id)))


@router.get(
    "/{analysis_id}/tracks/{model_id}/{stream}/{stage}/{method}.npy",
    response_class=Response,
    summary="A track as a NumPy file",
    responses={
        200: binary(NPY, "NPY, float16 (float32 where that is too coarse), [times, h, w]."),
        304: {},
        **errors(404),
    },
)
async def get_track(
    analysis_id: PathId,
    model_id: PathName,
    stream: Stream,
    stage: Stage,
    method: PathName,
    request: Request,
    web: StateDep,
) -> Response:
    """Raw values of all times at the maps' own grid; `numpy.load` reads them."""

    def make(web: AppState, session: Session, row: Analysis) -> bytes:
        choice = rows.Choice(model_id, stream, stage, method)
        maps = [m for m in rows.heatmaps(session, row.id, choice) if m.frame >= 0]
        if not maps:
            raise NotFound("There is no such track (yet); `links.tracks` lists what is ready.")
        return web.blobs.get(maps[0].blob_key)

    return await _serve(request, web, analysis_id, NPY, make)


@router.get(
    "/{analysis_id}/frames/{segment}.jpg",
    response_class=Response,
    summary="A snippet's frame",
    responses={200: binary("image/jpeg", "The picture."), 304: {}, **errors(404)},
)
async def get_frame(
    analysis_id: PathId, segment: Segment, request: Request, web: StateDep
) -> Response:
    """The frame in the middle of a snippet as the models see it."""

    def make(web: AppState, session: Session, row: Analysis) -> bytes:
        return flow.frame(web, session, row, segment)

    return await _serve(request, web, analysis_id, "image/jpeg", make)


@router.get(
    "/{analysis_id}/flow.npy",
    response_class=Response,
    summary="A clip's motion as a NumPy file",
    responses={
        200: binary(
            NPY,
            "NPY, float16 [snippets, 2, 56, 56]: pixels of the frame squashed to 224 x 224, from "
            "one frame to the next, x right, y down. In full: uint8 [snippets, 10, 2, h, w], as "
            "the motion stream reads it, where 128 is no motion and 0 and 255 are 20 pixels.",
        ),
        304: {},
        **errors(404),
    },
)
async def get_flow(
    analysis_id: PathId,
    request: Request,
    web: StateDep,
    full: Annotated[bool, Query(description="Every field of every snippet.")] = False,
) -> Response:
    """The optical flow between the frames of each snippet, by default its mean."""
    make = flow.full if full else flow.mean
    return await _serve(request, web, analysis_id, NPY, make)


@router.get(
    "/{analysis_id}/flow/{segment}.png",
    response_class=Response,
    summary="A snippet's motion drawn",
    responses={200: binary("image/png", "The picture."), 304: {}, **errors(404)},
)
async def get_flow_png(
    analysis_id: PathId,
    segment: Segment,
    request: Request,
    web: StateDep,
    size: Annotated[int, Query(ge=32, le=2048, description="Longest side, in pixels.")] = 448,
    reach: Annotated[
        float | None,
        Query(gt=0, le=1000, description="Pixels at the rim; left out: the longest motion."),
    ] = None,
) -> Response:
    """The snippet's mean flow in the colours of Baker et al. (2007), in the clip's own shape."""

    def make(web: AppState, session: Session, row: Analysis) -> bytes:
        try:
            grid = npy.load(flow.mean(web, session, row))[segment]
        except IndexError:
            raise NotFound(flow.NO_SEGMENT) from None
        scale = size / max(row.media.width, row.media.height)
        sides = (max(1, round(row.media.width * scale)), max(1, round(row.media.height * scale)))
        return flow_colours.draw(grid, sides, reach)

    return await _serve(request, web, analysis_id, "image/png", make)


async def _serve(
    request: Request, web: AppState, analysis_id: str, kind: str, make: Make
) -> Response:
    def find(session: Session) -> tuple[str, Callable[[], bytes]]:
        row = find_analysis(session, analysis_id)
        return row.id, partial(make, web, session, row)

    return await rendering.serve_any(request, web, kind, find)
