"""Job `draw_clip`: a clip with one track of maps over it, as a film."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from app.core.errors import NotFound
from app.db import analyses as rows
from app.db.tables import Heatmap, Media
from app.jobs.parameters import ClipOptions, DrawClipJob
from ml.figures import film
from ml.networks.video.types import Pixels
from worker.analysis import looks
from worker.analysis.task import find
from worker.context import Context
from worker.handlers import handles

SHARPEST = 960  # pixels of the square in which frames come from the decoding process
BATCH_BYTES = 64 << 20  # of decoded frames at a time


@handles(DrawClipJob)
def draw_clip(params: DrawClipJob, context: Context) -> None:
    """Draw the film into the blob `params.key`, frame by frame."""
    runtime = context.runtime
    with runtime.readers() as session:
        analysis, request = find(session, params.analysis_id)
        choice = rows.Choice(params.model, params.stream, params.stage, params.method)
        maps = rows.heatmaps(session, params.analysis_id, choice)
        every = rows.heatmaps(session, params.analysis_id, rows.Choice(method=params.method))
        media = analysis.media
    if not maps:
        raise NotFound("The analysis has no such maps to draw.")
    clip = runtime.blobs.path(media.blob_key)
    frames = _frames(context, clip, media, request.clip or ClipOptions())
    size = film.sides(media.width, media.height)
    with runtime.blobs.create(params.key) as path:
        film.write(path, params.format, size, frames, _layer(context, params, maps, every))
        context.check()


def _layer(
    context: Context, params: DrawClipJob, maps: list[Heatmap], every: list[Heatmap]
) -> film.Layer:
    """Return the maps with one scale for all moments."""
    values = np.load(io.BytesIO(context.runtime.blobs.get(maps[0].blob_key))).astype(np.float32)
    shown = {params.model, *(params.models or (m.model for m in every))}
    counted = [m for m in every if m.model in shown]
    low, high = looks.ends(maps[0], counted, params)
    return film.Layer(
        maps=values,
        times=np.array([row.time_s for row in maps], np.float64),
        low=low,
        high=high,
        style=looks.style(params),
        raw=params.raw,
    )


def _frames(
    context: Context, clip: Path, media: Media, options: ClipOptions
) -> Iterator[tuple[float, Pixels]]:
    """Yield the frames of the range with their times, as squares, some at a time."""
    decoder = context.runtime.decoder
    times = decoder.clip_times(clip)
    first, last = options.from_s or 0.0, options.to_s or float("inf")
    shown = [i for i, moment in enumerate(times) if first <= moment <= last]
    side = min(SHARPEST, max(film.sides(media.width, media.height)))
    batch = max(8, BATCH_BYTES // (3 * side * side))
    for start in range(0, len(shown), batch):
        some = shown[start : start + batch]
        context.commit(start / len(shown), f"Frame {start} of {len(shown)}")
        for i, rgb in zip(some, decoder.clip_frames(clip, some, side), strict=True):
            context.check()
            yield float(times[i]), rgb
