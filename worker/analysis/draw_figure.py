"""Job `draw_figure`: the maps of an analysis as a file, for a paper."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import cast

import numpy as np
from PIL import Image
from sqlalchemy.orm import Session

from app.core.errors import NotFound
from app.db import analyses as rows
from app.db import models
from app.db.documents import ClipScores
from app.db.tables import Heatmap, Prediction
from app.jobs.parameters import DrawFigureJob
from app.storage import keys
from app.storage.blobs import BlobStore
from ml.explain.results import Track
from ml.figures.rows import COLUMNS, by_moment, by_stage, in_words, sheet_title
from ml.figures.table import Row, Style, draw
from ml.networks.types import Unit
from ml.networks.video.types import Pixels, Stream
from worker.analysis.task import find
from worker.context import Context
from worker.handlers import handles

PHOTO_SIDE = 448  # pixels: sharp enough in print at the size of a cell
Columns = Sequence[tuple[str, Pixels]]


@handles(DrawFigureJob)
def draw_figure(params: DrawFigureJob, context: Context) -> None:
    """Draw into the blob `params.key`: a photo's table, or a clip's contact sheet.

    The sheet has the maps of one stage and method over the clip's snippets.
    """
    runtime = context.runtime
    with runtime.readers() as session:
        analysis, request = find(session, params.analysis_id)
        media, of_clip = analysis.media, analysis.media.kind == "clip"
        choice = rows.Choice(stage=params.stage, method=params.method) if of_clip else rows.ALL
        maps = [m for m in rows.heatmaps(session, analysis.id, choice) if len(m.shape) == 2]
        if not maps:
            raise NotFound(_nothing(params) if of_clip else "The analysis has no maps to draw.")
        answers = {row.model: row for row in rows.predictions(session, analysis.id)}
        owner = rows.map_owner(session, analysis.id)
        models_in_order = _grouped(session, request.methods, maps)
    if of_clip:
        columns = _snippets(runtime.blobs, owner, list(answers.values()))
    else:
        photo = runtime.decoder.pixels(runtime.blobs.path(media.blob_key), PHOTO_SIDE)
        columns = [(stage, photo) for stage in COLUMNS]
    context.check()
    drawn: list[Row] = []
    for title, shown in models_in_order:
        best = answers[shown[0].model].top[0]
        caption = f"{in_words(best['name'])} {best['probability']:.0%}"
        tracks = _tracks(runtime.blobs, shown)
        drawn += (
            by_moment(title, caption, tracks, len(columns))
            if of_clip
            else by_stage(title, caption, tracks)
        )
    name = media.filename
    with context.runtime.blobs.create(params.key) as path:
        draw(
            drawn,
            columns,
            path,
            params.format,
            Style(params.colormap, params.alpha, "row" if of_clip else params.scale),
            title=sheet_title(name, params.stage, params.method) if of_clip else name,
            aspect=media.width / media.height,
        )
        context.check()


def _nothing(params: DrawFigureJob) -> str:
    return (
        f"The analysis has no maps of {params.method} at {params.stage}; its tracks list "
        "what it has."
    )


def _grouped(
    session: Session, methods: Sequence[str], maps: Sequence[Heatmap]
) -> list[tuple[str, list[Heatmap]]]:
    """Return each model's title and maps, all in the order of the page's table."""
    cards = {row.id: row for row in models.known_cards(session)}

    def place(row: Heatmap) -> tuple[int, str, int, bool]:
        card = cards.get(row.model)
        method = methods.index(row.method) if row.method in methods else len(methods)
        return (card.position if card else 999, row.model, method, row.stream != "rgb")

    return [
        (str(cards[model].card["title"]) if model in cards else model, list(group))
        for model, group in groupby(sorted(maps, key=place), key=lambda row: row.model)
    ]


def _tracks(blobs: BlobStore, maps: Sequence[Heatmap]) -> Iterator[Track]:
    """Read the maps back, one track a blob."""
    for key, group in groupby(maps, key=lambda row: row.blob_key):
        moments = list(group)
        row, values = moments[0], np.load(io.BytesIO(blobs.get(key))).astype(np.float32)
        yield Track(
            stream=cast(Stream, row.stream),
            stage=row.stage,
            method=row.method,
            unit=cast(Unit, row.unit),
            layer=row.layer,
            values=values[None] if row.frame < 0 else values,
            times=np.array([moment.time_s or 0.0 for moment in moments], np.float64),
            target=row.target,
        )


def _snippets(blobs: BlobStore, owner: str, answers: Sequence[Prediction]) -> Columns:
    """Return the snippets' times and frames [S, S, 3]."""
    frames: list[Pixels] = []
    while blobs.exists(key := keys.snippet_frame(owner, len(frames))):
        frames.append(np.asarray(Image.open(io.BytesIO(blobs.get(key))).convert("RGB")))
    if not frames:
        raise NotFound("The frames of this analysis are gone from the server's disk.")
    times = _times([row.clip for row in answers if row.clip is not None], len(frames))
    return [(f"{time:.2f} s", frame) for time, frame in zip(times, frames, strict=True)]


def _times(scores: Sequence[ClipScores], count: int) -> list[float]:
    """Return the snippets' times: those of a model that looks at snippets."""
    for clip in scores:
        if len(clip["times"]) == count:
            return clip["times"]
    bounds = scores[0]["bounds"]
    start, end = bounds[0][0], bounds[-1][1]
    return [start + (k + 0.5) * (end - start) / count for k in range(count)]
