"""Figures and films: drawn by a worker, stored, and waited for."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import anyio
from sqlalchemy.orm import Session
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from app.core.errors import Busy, Conflict, NotFound, SightlineError, Unprocessable
from app.db import analyses as rows
from app.db import jobs as job_rows
from app.db.tables import Analysis
from app.jobs.parameters import DrawClipJob, DrawFigureJob
from app.jobs.states import TERMINAL, State
from app.storage import keys
from app.web.analyses.find import find_analysis
from app.web.http.identity import address_of
from app.web.http.proxies import network
from app.web.http.state import AppState

DRAWING = 2  # the code that draws: what an earlier one has stored is drawn again
WAIT = 30.0  # seconds until the client is asked to come back
CHECK_EVERY = 0.1
FILM_TYPES = {"mp4": "video/mp4", "webm": "video/webm"}
Drawable = DrawFigureJob | DrawClipJob
Colours = Mapping[str, object]
MEDIA_TYPES = {"png": "image/png", "svg": "image/svg+xml", "pdf": "application/pdf"}


def blob_key(web: AppState, analysis_id: str, style: Mapping[str, Any], file_format: str) -> str:
    """Return where the figure is kept; NotFound, or Conflict while there is nothing to draw."""
    with web.readers() as session:
        row = find_analysis(session, analysis_id)
        if row.job.state != State.SUCCEEDED:
            raise Conflict(f"The analysis is {row.job.state}; the figure needs all of its maps.")
        check(session, row, style)
        lacking = sorted(rows.lacking(session, row, style["evidence_of"]))
    if lacking:  # an earlier version drew another class there
        style = {**style, "lacking": lacking}
    return _named(analysis_id, style, file_format)


def check(session: Session, row: Analysis, style: Mapping[str, Any]) -> None:
    """Check a table's rows and the analysis whose evidence it shows."""
    has = row.request["models"]
    if missing := [name for name in style["models"] or () if name not in has]:
        raise Unprocessable(f"models: this analysis has no {missing[0]}; it has {', '.join(has)}.")
    if style["show"] != "both" and not rows.shown(session, row.id, show=style["show"]):
        raise NotFound("The analysis has no such maps to draw.")
    if other := style["evidence_of"]:
        found = find_analysis(session, other)
        if found.media_id != row.media_id or row.media.kind != "image":
            raise Unprocessable("evidence_of: that is not an analysis of the same photo.")
        if found.job.state != State.SUCCEEDED:
            raise Conflict(f"The analysis of `evidence_of` is {found.job.state}; wait for it.")


def film_key(
    web: AppState, analysis_id: str, choice: rows.Choice, colours: Colours, file_format: str
) -> str:
    """Return where the film is kept; NotFound, or Conflict while its maps are not ready."""
    with web.readers() as session:
        row = find_analysis(session, analysis_id)
        if row.media.kind != "clip":
            raise Conflict("This is the analysis of a photo; only a clip can be drawn as a film.")
        maps = rows.heatmaps(session, analysis_id, choice)
        if not maps:
            if row.job.state not in TERMINAL:
                raise Conflict(f"The analysis is {row.job.state}; these maps are not ready yet.")
            raise NotFound("The analysis has no such maps; its `tracks` lists what it has.")
        if maps[0].target is not None and choice.model in rows.lacking(session, row):
            raise NotFound(f"{choice.model} does not know the class asked for; draw its masks.")
    return _named(analysis_id, {**asdict(choice), **colours}, file_format)


def _named(analysis_id: str, style: Mapping[str, object], file_format: str) -> str:
    text = json.dumps({"drawing": DRAWING, **style}, sort_keys=True)
    digest = hashlib.sha256(text.encode()).hexdigest()[:16]
    return keys.figure(analysis_id, digest, file_format)


async def drawn(web: AppState, request: Request, params: Drawable) -> bytes:
    """Return the figure, after at most `WAIT` seconds; Busy later than that."""
    await ready(web, request, params)
    return await run_in_threadpool(web.blobs.get, params.key)


async def ready(web: AppState, request: Request, params: Drawable) -> None:
    """Wait until the figure is drawn, at most `WAIT` seconds; Busy later than that.

    TooMany if it is not there, and its address has had too many drawn.
    """
    ends = time.monotonic() + WAIT
    if not await run_in_threadpool(web.blobs.exists, params.key):
        job_id = await run_in_threadpool(_ask, web, request, params)
        while not await run_in_threadpool(_finished, web, params, job_id):
            if time.monotonic() > ends:
                raise Busy("The figure is still being drawn; ask again soon.", retry_after=5)
            await anyio.sleep(CHECK_EVERY)


def _ask(web: AppState, request: Request, params: Drawable) -> str:
    """Return the id of the job that draws the figure, for whoever made the analysis."""
    limit = {f"figure: address {network(address_of(request))}": web.settings.figures_per_minute}
    with web.readers() as session:
        owner = find_analysis(session, params.analysis_id).owner

    def allow(session: Session) -> None:
        web.limiter.count(limit, "figures and films", session)

    return web.pending.ask(web.sessions, params.key, params, owner, allow)


def _finished(web: AppState, params: Drawable, job_id: str) -> bool:
    """Whether the figure is there; raises its job's error if it could not be drawn."""
    with web.readers() as session:
        job = job_rows.get(session, job_id)
    if job is not None and job.state not in TERMINAL:
        return False
    web.pending.forget(params.key)
    if job is None or job.state != State.SUCCEEDED:
        raise SightlineError((job.detail if job else "") or "The figure could not be drawn.")
    return True
