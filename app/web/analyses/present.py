"""Analyses and their maps as the API's schemas: links, targets, predictions."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby

from app.db import tables as db
from app.jobs.parameters import AnalysisRequest
from app.web.analyses import schemas
from app.web.http.schemas import API, columns


def analysis(
    row: db.Analysis, predictions: Iterable[db.Prediction], *, stored: bool = False
) -> schemas.Analysis:
    """Return an analysis with its job's state and what the models have said so far.

    `stored` where the row itself answers a request that somebody makes again.
    """
    job, request = row.job, AnalysisRequest.model_validate(row.request)
    options = {} if request.clip is None else request.clip.model_dump()
    return schemas.Analysis.model_validate(
        {
            **columns(job, schemas.Analysis),
            **columns(row, schemas.Analysis),
            "request": request.model_dump(exclude={"clip"}) | options,
            "stored": stored or row.stored,
            "problems": row.problems or {},
            "predictions": {entry.model: _prediction(entry) for entry in predictions},
            "links": _analysis_links(row, request),
        }
    )


def listed(row: db.Analysis, first: db.Prediction | None) -> schemas.ListedAnalysis:
    """Return an analysis as a list shows it; `first` is what its first model says so far."""
    links = schemas.ListedLinks(
        self=f"{API}/analyses/{row.id}",
        view=_view(row),
        page=f"/analyses/{row.id}",
    )
    parts = (row.job, row.media, row)  # a later one's `id` and `kind` count
    facts = {k: v for part in parts for k, v in columns(part, schemas.ListedAnalysis).items()}
    answer = None if first is None else _first_answer(first)
    return schemas.ListedAnalysis.model_validate({**facts, "answer": answer, "links": links})


def _view(row: db.Analysis) -> str:
    """Return where what the maps lie over is to be seen."""
    if row.request.get("place"):
        return f"{API}/analyses/{row.id}/picture.jpg"
    return f"{API}/media/{row.media_id}/view"


def _first_answer(row: db.Prediction) -> dict[str, object]:
    best = row.top[0]
    return {
        "model": row.model,
        "name": best["name"],
        "probability": best["probability"],
        "abstained": row.abstained,
    }


def heatmap(row: db.Heatmap) -> schemas.Heatmap:
    """Return a map's record."""
    address = f"{API}/heatmaps/{row.id}"
    links = schemas.HeatmapLinks(self=address, npy=f"{address}.npy", png=f"{address}.png")
    return schemas.Heatmap.model_validate({**columns(row, schemas.Heatmap), "links": links})


def tracks(rows: Iterable[db.Heatmap]) -> list[schemas.Track]:
    """Return the maps of a clip as tracks; `rows` are in the order of `db.analyses.heatmaps`."""
    clips = (row for row in rows if row.frame >= 0)
    return [_track(list(maps)) for _, maps in groupby(clips, key=_kind)]


def _kind(row: db.Heatmap) -> tuple[str, str, str, str]:
    return row.model, row.stream, row.stage, row.method


def _track(maps: list[db.Heatmap]) -> schemas.Track:
    first = maps[0]
    names = "/".join(_kind(first))
    facts = columns(first, schemas.Track) | {
        "shape": [len(maps), *first.shape],
        "times": [row.time_s for row in maps],
        "min": min(row.min for row in maps),
        "max": max(row.max for row in maps),
        "heatmaps": [row.id for row in maps],
        "npy": f"{API}/analyses/{first.analysis_id}/tracks/{names}.npy",
    }
    return schemas.Track.model_validate(facts)


def _prediction(row: db.Prediction) -> dict[str, object]:
    target = {
        "index": row.target_index,
        "name": row.target_name,
        "logit": row.target_logit,
        "probability": row.target_probability,
    }
    knows = row.target_index is not None
    return {**columns(row, schemas.Prediction), "target": target if knows else None}


def _analysis_links(row: db.Analysis, request: AnalysisRequest) -> schemas.AnalysisLinks:
    address = f"{API}/analyses/{row.id}"
    of_clip = request.clip is not None
    return schemas.AnalysisLinks(
        self=address,
        heatmaps=f"{address}/heatmaps",
        events=f"{address}/events",
        media=f"{API}/media/{row.media_id}",
        view=_view(row),
        page=f"/analyses/{row.id}",
        figure_png=f"{address}/figure.png",
        figure_svg=f"{address}/figure.svg",
        figure_pdf=f"{address}/figure.pdf",
        export=f"{address}/export.zip",
        tracks=f"{address}/tracks" if of_clip else None,
        flow=f"{address}/flow.npy" if of_clip else None,
    )
