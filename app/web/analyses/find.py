"""Looking analyses up for an endpoint or a page."""

from __future__ import annotations

from sqlalchemy.orm import Session

from app.core.errors import NotFound
from app.db import analyses as rows
from app.db.tables import Analysis


def find_analysis(session: Session, analysis_id: str) -> Analysis:
    """Return an analysis; NotFound."""
    if (row := rows.with_job(session, analysis_id)) is None:
        raise NotFound("There is no analysis with this id. It may have been deleted.")
    return row
