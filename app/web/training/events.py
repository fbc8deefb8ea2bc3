"""Following a study: server-sent events from the rows, no session held between looks."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator
from typing import Annotated, Any

import anyio
from fastapi import Header, Query
from fastapi.sse import ServerSentEvent
from sqlalchemy.orm import Session
from starlette.concurrency import run_in_threadpool

from app.db import training as rows
from app.db.training_tables import TrainingRun
from app.jobs.states import TERMINAL
from app.web.http.state import AppState
from app.web.training import present
from app.web.training.present import Place

LOOK_EVERY = 0.25  # seconds between looks at the runs' revisions
LIFETIME = 120.0  # seconds until the client is asked to come back, resuming by event id
RETRY_MS = 1000
RETRY_WHEN_ENDED_MS = 3000  # somebody may resume a run
MOST_POINTS = 5000  # of a run in one event
After = Annotated[
    str, Query(max_length=8000, description="`cursor` of the study: only what is newer follows.")
]
LastEventId = Annotated[str, Header(description="The last `id` seen; only newer things follow.")]
Standing = list[tuple[str, int, str, int, int]]


class Follower:
    """What one client has been told of a study, or of one run of it."""

    def __init__(self, web: AppState, study_id: str, after: str, run_id: str | None = None) -> None:
        self._web = web
        self._study_id = study_id
        self._run_id = run_id
        self._places = present.from_text(after)
        self._standing: Standing | None = None
        self._more = False

    async def events(self) -> AsyncIterator[ServerSentEvent]:
        """Yield what is new, until the study is gone, all has ended, or the stream is old."""
        ends = time.monotonic() + LIFETIME
        while time.monotonic() < ends:
            standing = await run_in_threadpool(self._look)
            if not standing:
                yield ServerSentEvent(event="gone", raw_data="{}")
                return
            if standing != self._standing or self._more:
                for event in await run_in_threadpool(self._news):
                    yield event
                self._standing = standing
            if all(one[2] in TERMINAL for one in standing) and not self._more:
                return
            await anyio.sleep(LOOK_EVERY)

    def _look(self) -> Standing:
        with self._web.readers() as session:
            found = rows.revisions(session, self._study_id)
        return [one for one in found if self._run_id in (None, one[0])]

    def _news(self) -> list[ServerSentEvent]:
        """Return what has changed, as it is in one snapshot."""
        with self._web.readers() as session:
            study = rows.study(session, self._study_id)
            if study is None:
                return []
            runs = rows.runs_of(session, [self._study_id])
            runs = [run for run in runs if self._run_id in (None, run.id)]
            body: Any = (
                present.study(session, study, runs)
                if self._run_id is None
                else present.run(runs[0], present.titles(session))
                if runs
                else None
            )
            revision = sum(run.job.revision for run in runs)
            before = present.as_text(revision, self._places)
            news = self._said(session, runs)
        if body is None:
            return []
        ended = all(run.job.state in TERMINAL for run in runs)
        retry = RETRY_WHEN_ENDED_MS if ended else RETRY_MS
        name = "study" if self._run_id is None else "run"
        parts = [(name, body.model_dump_json()), *news]
        ids = [before] * (len(parts) - 1) + [present.as_text(revision, self._places)]
        return [_event(*part, place, retry) for part, place in zip(parts, ids, strict=True)]

    def _said(self, session: Session, runs: list[TrainingRun]) -> list[tuple[str, str]]:
        points: dict[str, Any] = {}
        epochs: dict[str, Any] = {}
        notes: dict[str, Any] = {}
        self._more = False
        for run in runs:
            step, epoch, note = self._places.get(run.id, Place())
            new_points = rows.points(session, run.id, step, MOST_POINTS)
            self._more = self._more or len(new_points) == MOST_POINTS
            if new_points:
                points[run.id] = present.points(new_points).model_dump(mode="json")
                step = new_points[-1][0]
            if new_epochs := rows.epochs(session, run.id, epoch):
                epochs[run.id] = [present.epoch(e).model_dump(mode="json") for e in new_epochs]
                epoch = new_epochs[-1].epoch
            if new_notes := rows.notes(session, run.id, note):
                notes[run.id] = [present.note(n).model_dump(mode="json") for n in new_notes]
                note = new_notes[-1].id
            self._places[run.id] = Place(step, epoch, note)
        said = (("points", points), ("epochs", epochs), ("notes", notes))
        return [(name, json.dumps(value)) for name, value in said if value]


def _event(name: str, data: str, place: str, retry: int) -> ServerSentEvent:
    """Return an event. A client that saw only some events of one id gets all of them again."""
    return ServerSentEvent(id=place, event=name, raw_data=data, retry=retry)
