"""Following an analysis: server-sent events from its job's row."""

from __future__ import annotations

from collections.abc import AsyncIterator
from functools import partial

from fastapi.sse import ServerSentEvent

from app.db import analyses as rows
from app.web.analyses import present
from app.web.http.sse import RETRY_MS, follow_row
from app.web.http.state import AppState


async def follow(web: AppState, analysis_id: str, last_seen: int) -> AsyncIterator[ServerSentEvent]:
    """Yield the analysis whenever its revision has passed `last_seen`, until it has ended."""
    make = partial(_event, web, analysis_id)
    async for event in follow_row(web.watched_analyses, analysis_id, make, last_seen):
        yield event


def _event(web: AppState, analysis_id: str) -> ServerSentEvent | None:
    """Return the analysis as it is in one snapshot; None if it was deleted meanwhile."""
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
