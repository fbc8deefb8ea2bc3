"""Job `draw_figure`: the maps of an analysis as a file, for a paper."""

from __future__ import annotations

import io
from collections.abc import Collection, Iterator, Sequence
from functools import partial
from itertools import groupby
from typing import cast

import numpy as np
from PIL import Image
from sqlalchemy.orm import Session

from app.core.errors import NotFound
from app.db import analyses as rows
from app.db import models
from app.db.documents import ClipScores
from app.db.tables import Heatmap, Media, Prediction
from app.jobs.parameters import AnalysisRequest, DrawFigureJob
from app.media import sharing
from app.storage import keys
from app.storage.blobs import BlobStore
from ml.explain import targets
from ml.explain.methods import METHODS
from ml.explain.results import Track
from ml.figures.channels import MEAN, by_channel, in_words
from ml.figures.rows import (
    COLUMNS,
    answer,
    by_moment,
    by_stage,
    sheet_title,
    table_title,
    without,
)
from ml.figures.table import Row, draw
from ml.networks.types import Unit
from ml.networks.video.types import Pixels, Stream
from worker.analysis import looks
from worker.analysis.task import as_asked, find
from worker.context import Context
from worker.handlers import handles
from worker.runtime import Runtime

PHOTO_SIDE = 448  # pixels of its shorter side: sharp enough in print at the size of a cell
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
        place, order = request.place, params.models or request.models
        lacking = rows.lacking(session, analysis, params.evidence_of) & set(order)
        every = rows.shown(
            session, analysis.id, models=params.models, evidence_of=params.evidence_of,
            show="both" if of_clip else params.show,
            choice=rows.Choice(method=params.method) if of_clip else rows.ALL, lacking=lacking,
        )  # fmt: skip
        maps = [m for m in every if not of_clip or m.stage == params.stage]
        absent = _absent(session, params, request, lacking, of_clip=of_clip)
        if not maps and not absent:
            raise NotFound(_nothing(params) if of_clip else "The analysis has no maps to draw.")
        if not of_clip and params.channel != MEAN:
            stacks = rows.heatmaps(session, analysis.id, rows.Choice(method="attention-channels"))
            maps += [s for s in stacks if s.model in {m.model for m in maps}]
        answers = {row.model: row for row in rows.predictions(session, analysis.id)}
        owner = rows.map_owner(session, analysis.id)
        models_in_order = _grouped(session, order, request.methods, maps)
    if of_clip:
        columns = _snippets(runtime.blobs, owner, list(answers.values()))
    else:
        columns = _photo(runtime, media, request)
    context.check()
    drawn: list[Row] = []
    for model, title, shown in models_in_order:
        if (said := answers.get(model)) is None:
            continue
        tracks = list(_tracks(runtime.blobs, shown))
        caption, best = _caption(said), said.top[0]["name"]
        of = partial(_ends, shown, every, params)
        drawn += (
            by_moment(title, caption, tracks, len(columns), of)
            if of_clip
            else by_stage(title, caption, by_channel(tracks, params.channel), best)
        )
        drawn += [without(title, caption, *one, len(columns)) for one in absent.get(model, ())]
    if not drawn:
        raise NotFound(f"No mask of this analysis has a channel {params.channel}.")
    name = table_title(sharing.filename(media, owned=params.named), place.share if place else None)
    with context.runtime.blobs.create(params.key) as target:
        draw(
            drawn,
            columns,
            target,
            params.format,
            looks.style(params),
            title=sheet_title(name, params.stage, params.method) if of_clip else name,
            note=looks.note(params, of_clip=of_clip, masks=in_words(params.channel)),
            aspect=1.0 if place or request.fit == "crop" else media.width / media.height,
        )
        context.check()


def _caption(said: Prediction) -> str:
    best = said.top[0]
    return answer(best["name"], best["probability"], abstained=said.abstained)


def _ends(
    shown: Sequence[Heatmap], every: Sequence[Heatmap], params: DrawFigureJob, track: Track
) -> tuple[float, float]:
    """Return the ends of a track's colours, by its own rows and those it shares a scale with."""
    row = next(m for m in shown if (m.stream, m.method) == (track.stream, track.method))
    return looks.ends(row, every, params)


def _nothing(params: DrawFigureJob) -> str:
    return (
        f"The analysis has no maps of {params.method} at {params.stage}; its tracks list "
        "what it has."
    )


def _absent(
    session: Session, params: DrawFigureJob, request: AnalysisRequest, lacking: Collection[str],
    *, of_clip: bool,
) -> dict[str, list[tuple[str, str]]]:  # fmt: skip
    """Return what a model that does not know the class says, beside each kind of evidence."""
    if params.evidence_of is not None:
        _, request = find(session, params.evidence_of)
    asked = [
        method
        for method in request.methods
        if METHODS[method].function is not None
        and (method == params.method if of_clip else params.show != "mask")
    ]
    words = targets.lacking(as_asked(request.target))
    return {model: [(method, words) for method in asked] for model in lacking if asked}


def _grouped(
    session: Session, order: Sequence[str], methods: Sequence[str], maps: Sequence[Heatmap]
) -> list[tuple[str, str, list[Heatmap]]]:
    """Return each model with its title and maps, all in the order of the page's table."""
    cards = {row.id: row for row in models.known_cards(session)}

    def place(row: Heatmap) -> tuple[int, bool]:
        method = methods.index(row.method) if row.method in methods else len(methods)
        return (method, row.stream != "rgb")

    return [
        (
            model,
            str(cards[model].card["title"]) if model in cards else model,
            sorted((row for row in maps if row.model == model), key=place),
        )
        for model in order
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


def _photo(runtime: Runtime, media: Media, request: AnalysisRequest) -> Columns:
    """Return the photo as the models see it, once for each stage."""
    path, place = runtime.blobs.path(media.blob_key), request.place
    photo = runtime.decoder.pixels(path, PHOTO_SIDE, request.fit, place.numbers if place else None)
    return [(stage, photo) for stage in COLUMNS]


def _snippets(blobs: BlobStore, owner: str, answers: Sequence[Prediction]) -> Columns:
    """Return the snippets' times and frames [H, W, 3]."""
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
