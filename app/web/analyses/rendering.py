"""Heatmaps as bytes: array, numbers or picture, from the cache or made now."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import anyio
from pydantic import Field
from sqlalchemy.orm import Session
from starlette.requests import Request
from starlette.responses import Response

from app.core.errors import NotFound, Unprocessable
from app.db import analyses as rows
from app.db import media as media_rows
from app.db.tables import Heatmap, Media
from app.jobs.parameters import AnalysisRequest, Channel, ClipOptions
from app.storage import keys
from app.web.analyses import present
from app.web.analyses.drawing import npy, png, scale
from app.web.analyses.looks import Look
from app.web.analyses.picture import seen
from app.web.http.caching import PRIVATE_IMMUTABLE, reply
from app.web.http.render_cache import Rendered
from app.web.http.state import AppState

Make = Callable[[Session, Heatmap], bytes]
Find = Callable[[Session], tuple[str, Callable[[], bytes]]]  # the analysis, and what it has there
DIGITS = 6  # significant, more than a float16 holds


class Picture(Look):
    """How to draw the map."""

    size: int = Field(default=448, ge=32, le=2048, description="Longest side, in pixels.")
    alpha: float | None = Field(
        default=None, ge=0, le=1, description="Opacity; left out: 1, or 0.55 over the photo."
    )
    overlay: bool = Field(
        default=False, description="Over what the model saw of the photo, in the photo's shape."
    )
    channel: Channel = Field(
        default="mean",
        description="Of `attention-channels`: mean, max or L2 norm over channels, or one channel.",
    )


async def serve(
    request: Request, web: AppState, heatmap_id: str, media_type: str, make: Make
) -> Response:
    """Answer with the bytes that `make` gives, kept under the request's address."""
    return await serve_any(request, web, media_type, partial(_heatmap, heatmap_id, make))


async def serve_any(request: Request, web: AppState, media_type: str, find: Find) -> Response:
    """Answer with bytes that belong to an analysis, made once it is found to exist."""
    key = f"{request.url.path}?{request.url.query}"
    entry = web.cache.fresh(key)
    if entry is None:
        work = partial(_look_up, web, key, media_type, find)
        entry = await anyio.to_thread.run_sync(work, limiter=web.drawing)
    headers = {"Cache-Control": PRIVATE_IMMUTABLE}
    return reply(request, entry.content, entry.media_type, etag=entry.etag, headers=headers)


def _look_up(web: AppState, key: str, media_type: str, find: Find) -> Rendered:
    generation = web.cache.generation
    with web.readers() as session:
        analysis_id, make = find(session)
        entry = web.cache.any(key)
        if entry is None:
            content = make()
            etag = hashlib.sha256(content).hexdigest()[:20]
            entry = Rendered(analysis_id, content, media_type, etag)
    web.cache.put(key, entry, generation)
    return entry


def _heatmap(heatmap_id: str, make: Make, session: Session) -> tuple[str, Callable[[], bytes]]:
    if (row := rows.heatmap(session, heatmap_id)) is None:
        raise NotFound("There is no map with this id. It may have been deleted.")
    return row.analysis_id, partial(make, session, row)


def array(web: AppState, _session: Session, row: Heatmap) -> bytes:
    """Return the NPY file: float16 at the map's own grid."""
    blob = web.blobs.get(row.blob_key)
    return blob if row.frame < 0 else npy.dump(npy.load(blob)[row.frame])


def record(web: AppState, session: Session, row: Heatmap, *, values: bool) -> bytes:
    """Return the JSON record, with the values if they are asked for."""
    body = present.heatmap(row).model_dump(mode="json")
    if values:
        body["values"] = npy.nested(npy.load(array(web, session, row)), DIGITS)
    return json.dumps(body, separators=(",", ":"), allow_nan=False).encode()


def picture(web: AppState, session: Session, row: Heatmap, style: Picture) -> bytes:
    """Return the PNG; Unprocessable for a channel that the map does not have."""
    try:
        grid = npy.channel(npy.load(array(web, session, row)), style.channel)
    except IndexError:
        last = row.shape[0] - 1
        raise Unprocessable(f"channel: this map has the channels 0 to {last}.") from None
    alone = style.scale in {"map", "absolute"} or len(row.shape) == 3
    same_stream = rows.Choice(stream=row.stream)
    others = [] if alone else rows.heatmaps(session, row.analysis_id, same_stream)
    ends = span(row, grid, others, style)
    medium, request = _subject(session, row)
    below = _photo(web, session, row, medium, request) if style.overlay else None
    return draw(grid, ends, style, medium, request, below)


def draw(
    grid: npy.Array,
    ends: tuple[float, float],
    style: Picture,
    medium: Media,
    request: AnalysisRequest,
    below: bytes | None = None,
) -> bytes:
    """Return the PNG of a map, alone in the shape that the model saw, or over a JPEG."""
    alpha = style.alpha if style.alpha is not None else (1.0 if below is None else 0.55)
    drawing = png.Style(
        style.size, style.colormap, alpha, *ends, style.smooth, style.threshold, style.grey
    )
    fit = request.fit
    whole = fit == "shape" or (below is not None and fit == "squash")
    oblong = whole and request.place is None
    shape = (medium.width, medium.height) if oblong else png.SQUARE
    photo = None if below is None else png.background(below, centre=fit == "crop")
    return png.draw(grid, drawing, shape, photo)


def span(
    row: Heatmap, grid: npy.Array, others: Sequence[Heatmap], style: Picture
) -> tuple[float, float]:
    """Return the values at the ends of the colours of a map, or of one of its channels."""
    if len(row.shape) == 3:  # the record's range is of all channels, not of the one shown
        return among(Shown.of(row, grid), [], style)
    return among(row, others, style)


def among(
    extent: scale.Extent, others: Sequence[scale.Extent], style: Picture
) -> tuple[float, float]:
    """Return the values at the ends of the colours, among the maps of the models on show."""
    counted = [one for one in others if style.rows is None or one.model in style.rows]
    return scale.span(extent, counted, style.scale, diverging=style.signed)


@dataclass(frozen=True)
class Shown:
    """The extent of one channel, or of a mean over channels."""

    model: str
    method: str
    unit: str
    target: str | None
    shape: list[int]
    min: float
    max: float

    @classmethod
    def of(cls, row: Heatmap, grid: npy.Array) -> Shown:
        """Return that of a grid which stands for a map."""
        low, high = float(grid.min()), float(grid.max())
        return cls(row.model, row.method, row.unit, row.target, list(grid.shape), low, high)


def _subject(session: Session, row: Heatmap) -> tuple[Media, AnalysisRequest]:
    """Return what a map is of, and what was asked; NotFound if it was deleted meanwhile."""
    analysis = rows.get(session, row.analysis_id)
    medium = media_rows.get(session, analysis.media_id) if analysis else None
    if analysis is None or medium is None:
        raise NotFound("What this map is of has been deleted.")
    return medium, AnalysisRequest.model_validate(analysis.request)


def _photo(
    web: AppState, session: Session, row: Heatmap, medium: Media, request: AnalysisRequest
) -> bytes:
    """Return the photo as a JPEG; of a clip the frame of the map's own moment."""
    if row.frame < 0:
        return seen(web, medium, request)
    times = len(npy.load(web.blobs.get(row.blob_key)))
    segments = (request.clip or ClipOptions()).segments
    segment = (2 * row.frame + 1) * segments // (2 * times)  # a model may have its own moments
    return web.blobs.get(keys.snippet_frame(rows.map_owner(session, row.analysis_id), segment))
