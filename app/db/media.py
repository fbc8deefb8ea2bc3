"""Queries on media."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import case, select, update
from sqlalchemy.orm import Session

from app.db.queries import Place, changed, newest
from app.db.tables import Media, utcnow


def get(session: Session, media_id: str) -> Media | None:
    """Return a medium, or None."""
    return session.get(Media, media_id)


def find_same(session: Session, owner: str, sha256: str, name: str) -> Media | None:
    """Return this visitor's newest medium with the same bytes and the same name, or None."""
    same = select(Media).where(Media.owner == owner, Media.sha256 == sha256, Media.filename == name)
    return session.scalar(same.order_by(Media.created_at.desc()).limit(1))


def page(session: Session, owner: str, limit: int, after: Place | None) -> list[Media]:
    """Return up to `limit` of a visitor's media, newest first, those behind `after`."""
    return newest(session, select(Media).where(Media.owner == owner), Media, limit, after)


def set_playable(session: Session, media_id: str, key: str | None) -> bool:
    """Set the blob of a clip's copy for browsers; None if no copy could be made.

    A clip that browsers play as it came stays `original`: the copy is what others get.

    Returns:
        False if the clip was deleted.
    """
    state = case((Media.playable == "original", "original"), else_="ready" if key else "failed")
    change = update(Media).where(Media.id == media_id)
    change = change.values(playable=state, playable_key=key or "")
    return changed(session, change) > 0


def give_up_copies(session: Session, older_than: float) -> int:
    """Set the copy to `failed` for clips that have waited longer than `older_than` seconds.

    Their job has failed; a worker that died could not set it. Returns the number of clips.
    """
    late = utcnow() - timedelta(seconds=older_than)
    waiting = update(Media).where(Media.playable == "waiting", Media.created_at < late)
    return changed(session, waiting.values(playable="failed"))
