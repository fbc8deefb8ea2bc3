"""Server-sent events of a row with a job; no session is held between two reads."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from typing import Protocol

import anyio
from fastapi.sse import ServerSentEvent
from starlette.concurrency import run_in_threadpool

from app.jobs.states import TERMINAL

POLL_SECONDS = 0.1
LIFETIME = 120.0  # seconds until the client is asked to come back, resuming by event id
RETRY_MS = 1000


class Revised(Protocol):
    """A schema with the revision of its job."""

    revision: int

    def model_dump_json(self) -> str:
        """Return the schema as JSON."""


def revision_event(name: str, body: Revised) -> ServerSentEvent:
    """Return an event with the body as its data and the revision as its id."""
    return ServerSentEvent(
        id=str(body.revision), event=name, raw_data=body.model_dump_json(), retry=RETRY_MS
    )


async def follow_row(
    revision: Callable[[], tuple[int, str] | None],
    make_event: Callable[[], ServerSentEvent | None],
    last_seen: int,
) -> AsyncIterator[ServerSentEvent]:
    """Yield an event for every new revision, until the job has ended or the stream is old.

    Args:
        revision: Returns (revision, state) of the job, or None if the row was deleted.
        make_event: Returns the event of the row as it is now, or None if the row was deleted.
        last_seen: The last revision that the client has received.
    """
    ends = time.monotonic() + LIFETIME
    sent = False
    while time.monotonic() < ends:
        current = await run_in_threadpool(revision)
        if current is None:
            yield ServerSentEvent(event="gone", raw_data="{}")
            return
        number, state = current
        ended = state in TERMINAL
        if number > last_seen or (ended and not sent):
            event = await run_in_threadpool(make_event)
            if event is None:
                continue
            sent, last_seen = True, int(event.id or number)
            yield event
        if ended:
            return
        await anyio.sleep(POLL_SECONDS)
