"""Following a job: server-sent events from the job's row, no session held between looks."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from functools import partial

import anyio
from fastapi.sse import ServerSentEvent
from starlette.concurrency import run_in_threadpool

from app.db import analyses as rows
from app.jobs.states import TERMINAL
from app.web.analyses import present
from app.web.http.state import Web

LOOK_EVERY = 0.1  # seconds between looks at the row's revision
LIFETIME = 120.0  # seconds until the client is asked to come back, resuming by event id
RETRY_MS = 1000


async def follow(web: Web, analysis_id: str, last_seen: int) -> AsyncIterator[ServerSentEvent]:
    """Yield the analysis whenever its revision has passed `last_seen`, until it has ended."""
    look, tell = partial(_standing, web, analysis_id), partial(_event, web, analysis_id)
    async for event in follow_row(look, tell, last_seen):
        yield event


async def follow_row(
    look: Callable[[], tuple[int, str] | None],
    tell: Callable[[], ServerSentEvent | None],
    last_seen: int,
) -> AsyncIterator[ServerSentEvent]:
    """Yield `tell()` whenever the revision that `look()` gives has passed `last_seen`.

    `look` returns (revision, state), or None where the row is gone; the stream ends with the job.
    """
    ends = time.monotonic() + LIFETIME
    told = False
    while time.monotonic() < ends:
        standing = await run_in_threadpool(look)
        if standing is None:
            yield ServerSentEvent(event="gone", raw_data="{}")
            return
        revision, state = standing
        ended = state in TERMINAL
        if revision > last_seen or (ended and not told):
            event = await run_in_threadpool(tell)
            if event is None:
                continue
            told, last_seen = True, int(event.id or revision)
            yield event
        if ended:
            return
        await anyio.sleep(LOOK_EVERY)


def _standing(web: Web, analysis_id: str) -> tuple[int, str] | None:
    with web.readers() as session:
        return rows.standing(session, analysis_id)


def _event(web: Web, analysis_id: str) -> ServerSentEvent | None:
    """Return the analysis as it is in one snapshot; None where it was deleted meanwhile."""
    with web.readers() as session:
        if (row := rows.with_job(session, analysis_id)) is None:
            return None
        body = present.analysis(row, rows.predictions(session, analysis_id))
    return ServerSentEvent(
        id=str(body.revision),
        event="analysis",
        raw_data=body.model_dump_json(),
        retry=RETRY_MS,
    )
