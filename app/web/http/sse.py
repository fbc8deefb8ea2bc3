"""Following a job: server-sent events from the job's row, no session held between looks."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable

import anyio
from fastapi.sse import ServerSentEvent
from starlette.concurrency import run_in_threadpool

from app.jobs.states import TERMINAL

LOOK_EVERY = 0.1  # seconds between looks at the row's revision
LIFETIME = 120.0  # seconds until the client is asked to come back, resuming by event id
RETRY_MS = 1000


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
