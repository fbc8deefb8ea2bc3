"""The contact sheet of a clip's analysis: drawn by job `draw_figure`."""

from __future__ import annotations

import io
from itertools import groupby
from pathlib import Path

import numpy as np
from PIL import Image
from sqlalchemy.orm import Session

from app.core.errors import NotFound
from app.db import analyses as rows
from app.db import models
from app.db.tables import Analysis, Heatmap, Prediction
from app.jobs.parameters import DrawFigureJob
from app.storage import keys
from app.storage.blobs import BlobStore
from ml.figures.sheet import Strip, draw
from ml.networks.video.types import Pixels
from worker.context import Context

STREAM_TITLES = {"rgb": "appearance (RGB)", "flow": "motion (flow)"}


def draw_sheet(params: DrawFigureJob, context: Context, target: Path) -> None:
    """Draw the maps of one stage and method over the clip's snippets into a file."""
    blobs = context.runtime.blobs
    with context.runtime.readers() as session:
        analysis = rows.get(session, params.analysis_id)
        if analysis is None:
            raise NotFound("The analysis was deleted.")
        owner = rows.map_owner(session, analysis.id)
        strips = _strips(session, analysis, params, blobs)
        title = analysis.media.filename
        aspect = analysis.media.width / analysis.media.height
        said = rows.predictions(session, analysis.id)
    if not strips:
        raise NotFound(
            f"The analysis has no maps of {params.method} at {params.stage}; its tracks list "
            "what it has."
        )
    frames = _frames(blobs, owner)
    times = np.asarray(_times(said, len(frames)), np.float64)
    context.check()
    draw(
        frames,
        times,
        strips,
        path=target,
        format=params.format,
        stage=params.stage,
        method=params.method,
        colormap=params.colormap,
        alpha=params.alpha,
        title=title,
        aspect=aspect,
    )


def _frames(blobs: BlobStore, analysis_id: str) -> Pixels:
    """Return the snippets' frames [K, S, S, 3]."""
    found: list[Pixels] = []
    while blobs.exists(key := keys.snippet_frame(analysis_id, len(found))):
        found.append(np.asarray(Image.open(io.BytesIO(blobs.get(key))).convert("RGB")))
    if not found:
        raise NotFound("The frames of this analysis are gone from the server's disk.")
    return np.stack(found)


def _times(said: list[Prediction], count: int) -> list[float]:
    """Return the snippets' times: those of a model that looks at snippets."""
    for one in said:
        if one.clip is not None and len(one.clip["times"]) == count:
            return list(one.clip["times"])
    clip = next(one.clip for one in said if one.clip is not None)
    start, end = clip["bounds"][0][0], clip["bounds"][-1][1]
    return [start + (k + 0.5) * (end - start) / count for k in range(count)]


def _strips(
    session: Session, analysis: Analysis, params: DrawFigureJob, blobs: BlobStore
) -> list[Strip]:
    """Return a row a model and stream, in the order of the page's table."""
    cards = {row.id: row for row in models.known_cards(session)}
    said = {row.model: row for row in rows.predictions(session, analysis.id)}
    choice = rows.Choice(stage=params.stage, method=params.method)

    def place(row: Heatmap) -> tuple[int, str, bool]:
        card = cards.get(row.model)
        return (card.position if card else 999, row.model, row.stream != "rgb")

    found = sorted(rows.heatmaps(session, analysis.id, choice), key=place)
    strips = []
    for (_, model, _), maps in groupby(found, key=place):
        first, best = next(maps), said[model].top[0]
        values = np.load(io.BytesIO(blobs.get(first.blob_key)))
        strips.append(
            Strip(
                title=str(cards[model].card["title"]) if model in cards else model,
                stream=STREAM_TITLES[first.stream],
                caption=f"{best['name']} {best['probability']:.0%}",
                maps=np.asarray(values, np.float32),
                evidence=first.target is not None,
            )
        )
    return strips
