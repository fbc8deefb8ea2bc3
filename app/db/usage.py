"""Queries on what uploads take, by whom, and on those that have outlived their time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.db.tables import Analysis, Media

USERS = "user:"  # begins the owner's name of what came with an API token


@dataclass(frozen=True)
class Usage:
    """What uploads take: their bytes as they came, and how many they and their analyses are."""

    bytes: int = 0
    files: int = 0
    analyses: int = 0


@dataclass(frozen=True)
class OwnerUsage(Usage):
    """What one owner's uploads take; `newest` is when the last one came."""

    owner: str = ""
    newest: datetime | None = None


def of(session: Session, owner: str | None = None) -> Usage:
    """Return what an owner's uploads take, or those of everybody."""
    media = select(func.coalesce(func.sum(Media.bytes), 0), func.count(Media.id))
    analyses = select(func.count(Analysis.id))
    if owner is not None:
        media, analyses = media.where(Media.owner == owner), analyses.where(Analysis.owner == owner)
    size, files = session.execute(media).one()
    return Usage(int(size), files, session.scalar(analyses) or 0)


def by_owner(session: Session, limit: int) -> list[OwnerUsage]:
    """Return what each owner's uploads take, the largest first."""
    size = func.sum(Media.bytes)
    query = select(Media.owner, size, func.count(Media.id), func.max(Media.created_at))
    found = session.execute(query.group_by(Media.owner).order_by(size.desc()).limit(limit)).all()
    owners = [row[0] for row in found]
    counting = select(Analysis.owner, func.count(Analysis.id)).where(Analysis.owner.in_(owners))
    counts = {row[0]: row[1] for row in session.execute(counting.group_by(Analysis.owner))}
    return [
        OwnerUsage(int(size), files, counts.get(owner, 0), owner, newest)
        for owner, size, files, newest in found
    ]


def media_of(session: Session, owner: str, limit: int) -> Sequence[Media]:
    """Return an owner's uploads, the largest first."""
    query = select(Media).where(Media.owner == owner).order_by(Media.bytes.desc(), Media.id)
    return session.scalars(query.limit(limit)).all()


def analyses_of_owner(session: Session, owner: str, limit: int) -> Sequence[Analysis]:
    """Return analyses that an owner asked for, of anybody's medium."""
    return session.scalars(select(Analysis).where(Analysis.owner == owner).limit(limit)).all()


def unused_since(session: Session, before: datetime, limit: int) -> Sequence[Media]:
    """Return visitors' uploads that came, and were analysed last, before a moment; oldest first."""
    used = select(Analysis.id).where(Analysis.media_id == Media.id, Analysis.created_at >= before)
    query = select(Media).where(
        Media.created_at < before, Media.owner.not_like(f"{USERS}%"), ~used.exists()
    )
    return session.scalars(query.order_by(Media.created_at).limit(limit)).all()
