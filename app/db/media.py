"""Queries on media."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import CursorResult, select, tuple_, update
from sqlalchemy.orm import Session

from app.db.tables import Media, utcnow


def get(session: Session, media_id: str) -> Media | None:
    """Return a medium, or None."""
    return session.get(Media, media_id)


def find_same(session: Session, owner: str, sha256: str) -> Media | None:
    """Return this visitor's newest medium with the same bytes, or None."""
    same = select(Media).where(Media.owner == owner, Media.sha256 == sha256)
    return session.scalar(same.order_by(Media.created_at.desc()).limit(1))


def page(
    session: Session, owner: str, limit: int, after: tuple[datetime, str] | None
) -> list[Media]:
    """Return up to `limit` of a visitor's media, newest first, those after (time, id)."""
    query = select(Media).where(Media.owner == owner)
    if after is not None:
        query = query.where(tuple_(Media.created_at, Media.id) < after)
    return list(
        session.scalars(query.order_by(Media.created_at.desc(), Media.id.desc()).limit(limit))
    )


def set_playable(session: Session, media_id: str, key: str | None) -> bool:
    """Note where a clip's copy for browsers lies, or None: none could be made.

    False where the clip is gone.
    """
    state = "failed" if key is None else "ready"
    change = update(Media).where(Media.id == media_id).values(playable=state, playable_key=key)
    result = session.execute(change)
    assert isinstance(result, CursorResult)
    return result.rowcount > 0


def give_up_copies(session: Session, older_than: float) -> int:
    """Mark clips whose copy is overdue by `older_than` seconds as having none.

    Their job has failed for good: a worker that dies cannot say so itself.
    """
    late = utcnow() - timedelta(seconds=older_than)
    waiting = update(Media).where(Media.playable == "waiting", Media.created_at < late)
    result = session.execute(waiting.values(playable="failed"))
    assert isinstance(result, CursorResult)
    return int(result.rowcount)
