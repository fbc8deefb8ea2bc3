"""Job `draw_figure`: an analysis's whole table as a file, for a paper."""

from __future__ import annotations

import io
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import cast

import numpy as np
from sqlalchemy.orm import Session

from app.core.errors import NotFound
from app.db import analyses as rows
from app.db import models
from app.db.tables import Analysis, Heatmap, Prediction
from app.jobs.parameters import DrawFigureJob
from app.storage.blobs import BlobStore, flush, no_space_is_disk_full
from ml.figures.table import Row, draw
from ml.networks.types import Unit
from worker.analysis.draw_sheet import draw_sheet
from worker.context import Context
from worker.handlers import handles

PHOTO_SIDE = 448  # pixels: sharp enough in print at the size of a cell


@handles(DrawFigureJob)
def draw_figure(params: DrawFigureJob, context: Context) -> None:
    """Draw the table into the blob `params.key`; of a clip, its contact sheet."""
    with context.runtime.readers() as session:
        analysis = rows.get(session, params.analysis_id)
        if analysis is None:
            raise NotFound("The analysis was deleted.")
        is_clip = analysis.media.kind == "clip"
    draw_one = partial(draw_sheet if is_clip else _draw_table, params, context)
    target = context.runtime.blobs.incoming()
    try:
        with no_space_is_disk_full():
            draw_one(target)
            with target.open("rb+") as file:
                flush(file)
        context.check()
        context.runtime.blobs.put_file(params.key, target)
    finally:
        target.unlink(missing_ok=True)


def _draw_table(params: DrawFigureJob, context: Context, target: Path) -> None:
    runtime = context.runtime
    with runtime.readers() as session:
        analysis = rows.get(session, params.analysis_id)
        if analysis is None:
            raise NotFound("The analysis was deleted.")
        photo = runtime.blobs.path(analysis.media.blob_key)
        title = analysis.media.filename
        aspect = analysis.media.width / analysis.media.height
        table = _table(session, analysis, runtime.blobs)
    if not table:
        raise NotFound("The analysis has no maps to draw.")
    rgb = runtime.decoder.pixels(photo, PHOTO_SIDE)
    context.check()
    draw(
        rgb,
        table,
        path=target,
        format=params.format,
        colormap=params.colormap,
        alpha=params.alpha,
        scale=params.scale,
        title=title,
        aspect=aspect,
    )


def _table(session: Session, analysis: Analysis, blobs: BlobStore) -> list[Row]:
    """Return the figure's rows: a model and method each, in the order of the page's table."""
    cards = {row.id: row for row in models.known_cards(session)}
    said = {row.model: row for row in rows.predictions(session, analysis.id)}
    asked = analysis.request["methods"]

    def place(map_: Heatmap) -> tuple[int, str, int]:
        card = cards.get(map_.model)
        method = asked.index(map_.method) if map_.method in asked else len(asked)
        return (card.position if card else 999, map_.model, method)

    shown = [row for row in rows.heatmaps(session, analysis.id) if len(row.shape) == 2]
    table = []
    for (_, model, _), maps in groupby(sorted(shown, key=place), key=place):
        card = cards.get(model)
        title = str(card.card["title"]) if card else model
        table.append(_row(title, said[model], list(maps), blobs))
    return table


def _row(title: str, said: Prediction, maps: list[Heatmap], blobs: BlobStore) -> Row:
    best = said.top[0]
    values = {m.stage: np.load(io.BytesIO(blobs.get(m.blob_key))) for m in maps}
    return Row(
        title=title,
        method=maps[0].method,
        unit=cast(Unit, next((m.unit for m in maps if m.unit != "combined"), "combined")),
        caption=f"{best['name']} {best['probability']:.0%}",
        maps={stage: np.asarray(map_, np.float32) for stage, map_ in values.items()},
    )
