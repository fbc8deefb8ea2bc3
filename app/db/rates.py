"""Counters of requests in windows of a minute, which all processes of a server share."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import case, delete, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from app.db.tables import Rate

WINDOW = 60.0  # seconds, from the first event that is counted


def full(session: Session, limits: Mapping[str, int], now: float) -> tuple[str, float] | None:
    """Return a key whose limit is reached, and the seconds until it is not; None if there is none.

    Args:
        session: One that only reads will do.
        limits: Most events in a window, by key.
        now: Unix time.
    """
    query = select(Rate).where(Rate.key.in_(limits), Rate.started > now - WINDOW)
    for row in session.scalars(query):
        if row.count >= limits[row.key]:
            return row.key, row.started + WINDOW - now
    return None


def count(session: Session, key: str, limit: int, now: float) -> bool:
    """Count one event; False, and nothing is counted, if the limit is reached.

    The row stays locked until the session ends: whoever counts the same key waits.
    """
    over = Rate.started <= now - WINDOW
    insert = postgresql.insert if _is_postgres(session) else sqlite.insert
    new = insert(Rate).values(key=key, started=now, count=1)
    counted = new.on_conflict_do_update(
        index_elements=[Rate.key],
        set_={
            "started": case((over, now), else_=Rate.started),
            "count": case((over, 1), else_=Rate.count + 1),
        },
        where=or_(over, Rate.count < limit),
    )
    return session.execute(counted.returning(Rate.key)).first() is not None


def take_back(session: Session, key: str) -> None:
    """Count one event less."""
    session.execute(
        update(Rate).where(Rate.key == key, Rate.count > 0).values(count=Rate.count - 1)
    )


def number(session: Session, key: str, now: float) -> int:
    """Return how many events were counted in the window that has not ended."""
    current = select(Rate.count).where(Rate.key == key, Rate.started > now - WINDOW)
    return session.scalar(current) or 0


def remove_old(session: Session, now: float) -> None:
    """Remove the counters whose window has ended."""
    session.execute(delete(Rate).where(Rate.started <= now - WINDOW))


def _is_postgres(session: Session) -> bool:
    return session.get_bind().dialect.name == "postgresql"
