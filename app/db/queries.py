"""What the queries of several tables share."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import CursorResult, Select, Update, select, tuple_
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from app.db.tables import Analysis, Base, Job, Media
from app.db.training_tables import Dataset, Study, TrainingRun

Row = TypeVar("Row", Analysis, Media, Dataset, Study, TrainingRun)
Place = tuple[datetime, str]  # time and id of a row
PART = 1000  # ids in a query


def newest(
    session: Session, query: Select[Row], table: type[Row], limit: int, after: Place | None
) -> list[Row]:
    """Return up to `limit` rows of a query on one table, newest first, those behind `after`."""
    if after is not None:
        query = query.where(tuple_(table.created_at, table.id) < after)
    ordered = query.order_by(table.created_at.desc(), table.id.desc())
    return list(session.scalars(ordered.limit(limit)))


def changed(session: Session, statement: Update) -> int:
    """Execute an UPDATE; return how many rows it changed."""
    result = session.execute(statement)
    assert isinstance(result, CursorResult)
    return result.rowcount


def insert_new(session: Session, table: type[Base], rows: Sequence[dict[str, Any]]) -> None:
    """Insert rows; those whose key exists already are skipped."""
    if not rows:
        return
    on_postgres = session.get_bind().dialect.name == "postgresql"
    insert = postgresql.insert(table) if on_postgres else sqlite.insert(table)
    session.execute(insert.on_conflict_do_nothing(), list(rows))


def standings(
    session: Session, table: type[Analysis] | type[Dataset], ids: Sequence[str]
) -> dict[str, tuple[int, str]]:
    """Return (revision, state) of the jobs of those rows that exist, by the row's id."""
    query = select(table.id, Job.revision, Job.state).join(Job, table.job_id == Job.id)
    parts = (ids[at : at + PART] for at in range(0, len(ids), PART))
    rows = (row for part in parts for row in session.execute(query.where(table.id.in_(part))))
    return {row_id: (revision, state) for row_id, revision, state in rows}
