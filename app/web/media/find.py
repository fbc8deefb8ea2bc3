"""Looking photos and clips up for an endpoint or a page."""

from __future__ import annotations

from sqlalchemy.orm import Session

from app.core.errors import NotFound
from app.db import media as rows
from app.db.tables import Media


def find_media(session: Session, media_id: str) -> Media:
    """Return a medium; NotFound."""
    if (row := rows.get(session, media_id)) is None:
        raise NotFound("There is no photo or clip with this id. It may have been deleted.")
    return row
