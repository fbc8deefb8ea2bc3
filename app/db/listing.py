"""Lists with the newest rows first, in parts."""

from __future__ import annotations

from datetime import datetime
from typing import TypeVar

from sqlalchemy import Select, tuple_
from sqlalchemy.orm import Session

from app.db.tables import Media
from app.db.training_tables import Dataset, Study, TrainingRun

Row = TypeVar("Row", Media, Dataset, Study, TrainingRun)
Place = tuple[datetime, str]  # time and id of a row


def newest(
    session: Session,
    query: Select[Row],
    table: type[Row],
    limit: int,
    after: Place | None,
) -> list[Row]:
    """Return up to `limit` rows of a query on one table, newest first, those behind `after`."""
    if after is not None:
        query = query.where(tuple_(table.created_at, table.id) < after)
    ordered = query.order_by(table.created_at.desc(), table.id.desc())
    return list(session.scalars(ordered.limit(limit)))
