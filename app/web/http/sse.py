"""Server-sent events of a row with a job; one reader for all streams of a kind."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from typing import Protocol

from fastapi.sse import ServerSentEvent

from app.jobs.states import TERMINAL
from app.web.http.watch import Watch

Standing = tuple[int, str]  # revision and state of a job
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
    watch: Watch[Standing],
    key: str,
    make_event: Callable[[], ServerSentEvent | None],
    last_seen: int,
) -> AsyncIterator[ServerSentEvent]:
    """Yield an event for every new revision, until the job has ended or the stream is old.

    Args:
        watch: Tells (revision, state) of a row's job.
        key: The row's id.
        make_event: Returns the event of the row as it is now, or None if the row was deleted.
        last_seen: The last revision that the client has received.
    """
    ends = time.monotonic() + LIFETIME
    sent = False
    with watch.follow(key) as news:
        while (left := ends - time.monotonic()) > 0:
            try:
                current = await news.next(left)
            except TimeoutError:
                return
            if current is None:
                yield ServerSentEvent(event="gone", raw_data="{}")
                return
            number, state = current
            ended = state in TERMINAL
            if number > last_seen or (ended and not sent):
                event = await watch.event(key, number, make_event)
                if event is None:
                    continue
                sent, last_seen = True, int(event.id or number)
                yield event
            if ended:
                return
