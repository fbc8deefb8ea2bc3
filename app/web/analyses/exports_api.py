"""Taking an analysis away: the figure for a paper, everything as a ZIP."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request, Response
from pydantic import Field
from sqlalchemy.orm import Session
from starlette.concurrency import run_in_threadpool
from starlette.responses import StreamingResponse

from app.core.errors import Conflict
from app.db import analyses as rows
from app.db.tables import Analysis
from app.jobs.parameters import (
    AnalysisRequest,
    Channel,
    DrawClipJob,
    DrawFigureJob,
    Identifier,
    Name,
    Show,
    Stage,
    Stream,
)
from app.jobs.states import State
from app.web.analyses import channels, export, figures, present, rendering
from app.web.analyses.drawing import npy
from app.web.analyses.find import find_analysis
from app.web.analyses.looks import Look
from app.web.analyses.picture import SIDE, seen
from app.web.http.caching import PRIVATE_IMMUTABLE, matches, reply
from app.web.http.deps import ReadSession, StateDep
from app.web.http.parameters import PathId, binary, errors
from app.web.http.ranges import RangedFile
from app.web.http.state import AppState
from app.web.media import present as media_present

router = APIRouter(prefix="/analyses", tags=["exports"])
ZIP = "application/zip"
BYTES = {"schema": {"type": "string", "format": "binary"}}
FILMS = {"content": dict.fromkeys(figures.FILM_TYPES.values(), BYTES)}
FIGURES = {"content": dict.fromkeys(figures.MEDIA_TYPES.values(), BYTES)}


class TableStyle(Look):
    """Which rows of the table are drawn, and how."""

    alpha: float = Field(default=0.55, ge=0, le=1, description="Opacity over the photo.")
    show: Show = Field(default="both", description="Of a photo: masks, evidence (`cam`) or both.")
    evidence_of: Identifier | None = Field(
        default=None,
        description="Of a photo: an analysis of it whose evidence is drawn in place of this one's, "
        "for another target.",
    )
    channel: Channel = Field(
        default="mean",
        description="Of a photo's masks with several channels: mean, max or L2 norm over them, or "
        "one of them.",
    )


class FigureStyle(TableStyle):
    """How to draw the table."""

    stage: Stage = Field(default="combined", description="Of a clip: whose maps are drawn.")
    method: Name = Field(default="gradcam", description="Of a clip: whose maps are drawn.")


class ExportStyle(TableStyle):
    """What the archive has, and how its pictures are drawn."""

    file_format: Literal["zip", "npz"] = Field(
        default="zip", alias="format", description="`npz`: the maps alone."
    )
    drawn: bool = Field(default=False, description="Of a photo: add the maps over it as pictures.")


class FilmStyle(Look):
    """Which maps are drawn over the clip, and how."""

    model: Name | None = Field(default=None, description="Left out: the first one asked for.")
    stream: Stream = "rgb"
    stage: Stage = "combined"
    method: Name = "gradcam"
    alpha: float = Field(default=0.55, ge=0, le=1, description="Opacity over the clip.")
    raw: bool = Field(default=False, description="Between snippets the nearest map, not a mixture.")


@router.get(
    "/{analysis_id}/figure.{file_format}",
    response_class=Response,
    summary="The whole table as a figure",
    responses={
        200: {"description": "The figure.", **FIGURES},
        304: {},
        **errors(404, 409, 429, 503),
    },
)
async def get_figure(
    analysis_id: PathId,
    file_format: Literal["png", "svg", "pdf"],
    request: Request,
    web: StateDep,
    style: Annotated[FigureStyle, Query()],
) -> Response:
    """A row a model, a column a stage; drawn once by a worker, which may take some seconds.

    Of a clip: a row a model and stream, a column a snippet, the maps of one stage and method.
    """
    chosen = style.for_job()
    key = await run_in_threadpool(figures.blob_key, web, analysis_id, chosen, file_format)
    params = DrawFigureJob.model_validate(
        {**chosen, "analysis_id": analysis_id, "format": file_format, "key": key}
    )
    content = await figures.drawn(web, request, params)
    headers = {
        **_named(f"{analysis_id[:8]}.{file_format}"),
        "Cache-Control": PRIVATE_IMMUTABLE,
        "Content-Security-Policy": "sandbox; default-src 'none'; style-src 'unsafe-inline'",
    }
    etag = key.rpartition("/")[2]
    return reply(request, content, figures.MEDIA_TYPES[file_format], etag=etag, headers=headers)


@router.get(
    "/{analysis_id}/picture.jpg",
    response_class=Response,
    summary="What the maps lie over",
    responses={200: binary("image/jpeg", "The picture."), 304: {}, **errors(404, 503)},
)
async def get_picture(
    analysis_id: PathId,
    request: Request,
    web: StateDep,
    size: Annotated[
        Literal["224", "full"], Query(description="Of a photo made small: the side.")
    ] = "full",
) -> Response:
    """The photo, or with `place` the square of 896 (or 224) pixels that it was made small on."""
    side = SIDE if size == "full" else int(size)

    def find(session: Session) -> tuple[str, Callable[[], bytes]]:
        row = find_analysis(session, analysis_id)
        wanted = AnalysisRequest.model_validate(row.request)
        return row.id, lambda: seen(web, row.media, wanted, side)

    return await rendering.serve_any(request, web, "image/jpeg", find)


@router.get(
    "/{analysis_id}/overlay.{file_format}",
    response_class=Response,
    summary="A clip with maps over it, as a film",
    responses={
        200: {"description": "The film.", **FILMS},
        206: {"description": "The part that was asked for with `Range`."},
        304: {},
        **errors(400, 404, 409, 416, 429, 503),
    },
)
async def get_overlay(
    analysis_id: PathId,
    file_format: Literal["mp4", "webm"],
    request: Request,
    web: StateDep,
    style: Annotated[FilmStyle, Query()],
) -> Response:
    """At most 720p, maps interpolated between snippets; drawn once by a worker.

    That takes about as long as the clip: 503 says when to ask again. Parts can be asked for by
    `Range`.
    """
    names = {"model", "stream", "stage", "method"}
    which = style.model_dump(include=names)
    look = {name: value for name, value in style.for_job().items() if name not in names}
    model = style.model or await run_in_threadpool(_first_model, web, analysis_id)
    choice = rows.Choice(**which | {"model": model})
    key = await run_in_threadpool(figures.film_key, web, analysis_id, choice, look, file_format)
    params = DrawClipJob.model_validate(
        {**which, **look, "model": model, "analysis_id": analysis_id, "format": file_format,
         "key": key}
    )  # fmt: skip
    etag = key.rpartition("/")[2]
    headers = {
        **_named(f"{analysis_id[:8]}-{model}.{file_format}"),
        "Cache-Control": PRIVATE_IMMUTABLE,
        "ETag": f'"{etag}"',
    }
    if matches(request, etag):
        return Response(status_code=304, headers=headers)
    await figures.ready(web, request, params)
    kind = figures.FILM_TYPES[file_format]
    return RangedFile(web.blobs.path(key), headers=headers, media_type=kind)


def _named(name: str, disposition: str = "inline") -> dict[str, str]:
    return {"Content-Disposition": f'{disposition}; filename="sightline-{name}"'}


def _first_model(web: AppState, analysis_id: str) -> str:
    with web.readers() as session:
        row = find_analysis(session, analysis_id)
        return AnalysisRequest.model_validate(row.request).models[0]


@router.get(
    "/{analysis_id}/export.zip",
    response_class=Response,
    summary="Everything as a ZIP",
    responses={200: binary(ZIP, "The archive."), **errors(404, 409)},
)
def get_export(
    analysis_id: PathId,
    session: ReadSession,
    web: StateDep,
    style: Annotated[ExportStyle, Query()],
) -> Response:
    """All maps (NPZ), a table of numbers, predictions, the file, and the request to repeat it.

    With `drawn` also pictures of the maps, and how they are drawn in the manifest.
    """
    row = find_analysis(session, analysis_id)
    if row.job.state != State.SUCCEEDED:
        raise Conflict(f"The analysis is {row.job.state}; the export needs all of its maps.")
    maps = [(present.heatmap(m), m.blob_key) for m in rows.heatmaps(session, analysis_id)]
    headers = _named(f"{analysis_id[:8]}.{style.file_format}", "attachment")
    if style.file_format == "npz":
        return Response(export.npz(web.blobs, maps), media_type=ZIP, headers=headers)
    body = export.stream(
        web.blobs,
        present.analysis(row, rows.predictions(session, analysis_id)),
        media_present.media(row.media),
        row.media.blob_key,
        maps,
        _pictures(web, session, row, style) if style.drawn and row.media.kind == "image" else None,
    )
    return StreamingResponse(body, media_type=ZIP, headers=headers)


def _pictures(
    web: AppState, session: ReadSession, row: Analysis, style: ExportStyle
) -> export.Pictures:
    """Return the maps on show as pictures, each drawn when its turn comes."""
    figures.check(session, row, style.for_job())
    look = style.model_dump(exclude={"file_format", "drawn"})
    picture = rendering.Picture(**look, overlay=True)
    request = AnalysisRequest.model_validate(row.request)
    order = style.rows or request.models
    maps = rows.shown(
        session, row.id, models=order, show=style.show, evidence_of=style.evidence_of,
        lacking=rows.lacking(session, row, style.evidence_of),
    )  # fmt: skip
    maps.sort(key=lambda one: order.index(one.model))
    below = seen(web, row.media, request)
    stacks = rows.heatmaps(session, row.id, rows.Choice(method="attention-channels"))
    shown = channels.reduced(web.blobs, maps, stacks, style.channel)
    extents = [one if grid is None else rendering.Shown.of(one, grid) for one, grid in shown]

    def files() -> Iterator[tuple[str, bytes]]:
        for (one, changed), extent in zip(shown, extents, strict=True):
            grid = npy.load(web.blobs.get(one.blob_key)) if changed is None else changed
            ends = rendering.among(extent, extents, picture)
            name = f"drawn/{order.index(one.model) + 1}-{one.model}-{one.stage}-{one.method}.png"
            yield name, rendering.draw(grid, ends, picture, row.media, request, below)

    return export.Pictures(look | {"signed": style.signed, "models": order}, files())
