"""Server-sent events of a study, read from the rows."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import Header, Query
from fastapi.sse import ServerSentEvent
from sqlalchemy.orm import Session
from starlette.concurrency import run_in_threadpool

from app.db import training as rows
from app.db.training_tables import TrainingRun
from app.jobs.states import TERMINAL
from app.web.http.state import AppState
from app.web.training import cursors, present, schemas
from app.web.training.cursors import Place

LIFETIME = 120.0  # seconds until the client is asked to come back, resuming by event id
RETRY_MS = 1000
RETRY_WHEN_ENDED_MS = 3000  # somebody may resume a run
MOST_POINTS = 5000  # of a run in one event
After = Annotated[
    str, Query(max_length=8000, description="`cursor` of the study: only newer events follow.")
]
LastEventId = Annotated[str, Header(description="The last `id` received; newer events follow.")]


class Follower:
    """Sends one client what is new in a study, or in one run of it."""

    def __init__(self, web: AppState, study_id: str, after: str, run_id: str | None = None) -> None:
        self._web = web
        self._study_id = study_id
        self._run_id = run_id
        self._places = cursors.decode(after)
        self._more = False  # points are left over for the next event

    async def events(self) -> AsyncIterator[ServerSentEvent]:
        """Yield what is new, until the study is gone, all has ended, or the stream is old."""
        ends, sent = time.monotonic() + LIFETIME, None
        with self._web.watched_studies.follow(self._study_id) as changes:
            while (left := ends - time.monotonic()) > 0:
                try:
                    every = await changes.next(left)
                except TimeoutError:
                    return
                runs = [run for run in every or () if self._run_id in (None, run[0])]
                if not runs:
                    yield ServerSentEvent(event="gone", raw_data="{}")
                    return
                if runs != sent:
                    sent, self._more = runs, True
                while self._more:
                    self._more = False
                    for event in await run_in_threadpool(self._news):
                        yield event
                if all(state in TERMINAL for _, _, state, _, _ in runs):
                    return

    def _news(self) -> list[ServerSentEvent]:
        """Return what has changed, all from one snapshot of the database."""
        with self._web.readers() as session:
            study = rows.study(session, self._study_id)
            runs = rows.runs_of(session, [self._study_id])
            runs = [run for run in runs if self._run_id in (None, run.id)]
            if study is None or not runs:
                return []
            body: schemas.Study | schemas.Run = (
                present.study(session, study, runs)
                if self._run_id is None
                else present.run(runs[0], present.titles(session))
            )
            revision = sum(run.job.revision for run in runs)
            before = cursors.encode(revision, self._places)
            news = self._results(session, runs)
        ended = all(run.job.state in TERMINAL for run in runs)
        retry = RETRY_WHEN_ENDED_MS if ended else RETRY_MS
        name = "study" if self._run_id is None else "run"
        parts = [(name, body.model_dump_json()), *news]
        # A client that saw only some events of one id gets all of them again.
        ids = [before] * (len(parts) - 1) + [cursors.encode(revision, self._places)]
        return [
            ServerSentEvent(id=event_id, event=event, raw_data=data, retry=retry)
            for (event, data), event_id in zip(parts, ids, strict=True)
        ]

    def _results(self, session: Session, runs: list[TrainingRun]) -> list[tuple[str, str]]:
        """Return (event, JSON) of the steps, epochs and log lines behind the places; move these."""
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
                step = new_points[-1].step
            if new_epochs := rows.epochs(session, run.id, epoch):
                epochs[run.id] = [present.epoch(e).model_dump(mode="json") for e in new_epochs]
                epoch = new_epochs[-1].epoch
            if new_notes := rows.notes(session, run.id, note):
                lines = map(schemas.Note.model_validate, new_notes)
                notes[run.id] = [line.model_dump(mode="json") for line in lines]
                note = new_notes[-1].id
            self._places[run.id] = Place(step, epoch, note)
        news = (("points", points), ("epochs", epochs), ("notes", notes))
        return [(event, json.dumps(by_run)) for event, by_run in news if by_run]
