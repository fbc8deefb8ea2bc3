"""What a worker leaves beside the maps of a clip: frames, and motion."""

from __future__ import annotations

from sqlalchemy.orm import Session

from app.core.errors import NotFound
from app.db import analyses as rows
from app.db.tables import Analysis
from app.jobs.parameters import AnalysisRequest, flow_key
from app.storage import keys
from app.web.http.state import AppState

NO_SEGMENT = "There is nothing of this snippet (yet); a photo has none, a clip as many as asked."
NO_FLOW = "There is no motion here (yet): a worker computes it first, and a photo has none."
FLOW_GONE = "The motion in full is gone from the server's disk; the mean of it is still there."


def mean(web: AppState, session: Session, row: Analysis) -> bytes:
    """Return the NPY file of the snippets' mean flow, float16 [K, 2, 56, 56]; NotFound."""
    return _get(web, keys.mean_flow(rows.map_owner(session, row.id)), NO_FLOW)


def has_mean(web: AppState, session: Session, row: Analysis) -> bool:
    """Whether the mean flow is ready."""
    return web.blobs.exists(keys.mean_flow(rows.map_owner(session, row.id)))


def full(web: AppState, session: Session, row: Analysis) -> bytes:
    """Return the NPY file of every field, uint8 [K, L, 2, H, W]; NotFound.

    It lies with the clip; where a stored result answered, perhaps with another upload of it.
    """
    mean(web, session, row)
    request = AnalysisRequest.model_validate(row.request)
    source = rows.get(session, rows.map_owner(session, row.id))
    for media_id in (row.media_id, *([source.media_id] if source else [])):
        key = flow_key(media_id, request)
        if web.blobs.exists(key):
            return web.blobs.get(key)
    raise NotFound(FLOW_GONE)


def frame(web: AppState, session: Session, row: Analysis, snippet: int) -> bytes:
    """Return the JPEG of a snippet's middle frame; NotFound."""
    return _get(web, keys.snippet_frame(rows.map_owner(session, row.id), snippet), NO_SEGMENT)


def _get(web: AppState, key: str, missing: str) -> bytes:
    if not web.blobs.exists(key):
        raise NotFound(missing)
    return web.blobs.get(key)
