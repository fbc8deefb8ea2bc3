"""What a worker leaves beside the maps of a clip: frames, and motion."""

from __future__ import annotations

from sqlalchemy.orm import Session

from app.core.errors import NotFound
from app.db import analyses as rows
from app.db.tables import Analysis
from app.jobs.parameters import AnalysisRequest, flow_key
from app.web.http.state import Web

NO_SEGMENT = "There is nothing of this snippet (yet); a photo has none, a clip as many as asked."
NO_FLOW = "There is no motion here (yet): a worker computes it first, and a photo has none."
FLOW_GONE = "The motion in full is gone from the server's disk; the mean of it is still there."
MEAN = "flow.npy"


def mean(web: Web, session: Session, row: Analysis) -> bytes:
    """Return the NPY file of the snippets' mean flow, float16 [K, 2, 56, 56]; NotFound."""
    return beside_maps(web, session, row, MEAN, NO_FLOW)


def has_mean(web: Web, session: Session, row: Analysis) -> bool:
    """Whether the mean flow is ready."""
    return web.blobs.exists(f"{rows.map_folder(session, row.id)}/{MEAN}")


def full(web: Web, session: Session, row: Analysis) -> bytes:
    """Return the NPY file of every field, uint8 [K, L, 2, S, S]; NotFound.

    It lies with the clip; where a stored result answered, perhaps with another visitor's same clip.
    """
    mean(web, session, row)
    request = AnalysisRequest.model_validate(row.request)
    source = rows.get(session, rows.map_folder(session, row.id).rpartition("/")[2])
    for media_id in (row.media_id, *([source.media_id] if source else [])):
        key = flow_key(media_id, request)
        if web.blobs.exists(key):
            return web.blobs.get(key)
    raise NotFound(FLOW_GONE)


def beside_maps(
    web: Web, session: Session, row: Analysis, name: str, missing: str = NO_SEGMENT
) -> bytes:
    """Return a file from the folder of the analysis's maps; NotFound with the sentence."""
    key = f"{rows.map_folder(session, row.id)}/{name}"
    if not web.blobs.exists(key):
        raise NotFound(missing)
    return web.blobs.get(key)
