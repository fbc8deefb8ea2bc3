"""Visitors' uploads are not kept for ever."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy.orm import Session, sessionmaker

from app.db import usage
from app.db.tables import utcnow
from app.media.deletion import delete_analysis, delete_media
from app.storage.blobs import BlobStore

BATCH = 50  # rows in one transaction, so that nobody waits for it


def delete_unused(sessions: sessionmaker[Session], blobs: BlobStore, days: float) -> int:
    """Delete the uploads that visitors have not analysed for `days`; return how many.

    Uploads of users with an account stay. 0 days: everything stays.
    """
    if days == 0:
        return 0
    before, deleted = utcnow() - timedelta(days=days), 0
    while True:
        with sessions.begin() as session:
            media = usage.unused_since(session, before, BATCH)
            for medium in media:
                delete_media(session, blobs, medium)
        deleted += len(media)
        if len(media) < BATCH:
            return deleted


def delete_all_of(sessions: sessionmaker[Session], blobs: BlobStore, owner: str) -> int:
    """Delete everything that an owner uploaded or asked for; return how many uploads."""
    deleted = 0
    while True:
        with sessions.begin() as session:
            media = usage.media_of(session, owner, BATCH)
            for medium in media:
                delete_media(session, blobs, medium)
            analyses = [] if media else usage.analyses_of_owner(session, owner, BATCH)
            for analysis in analyses:
                delete_analysis(session, blobs, analysis)
        deleted += len(media)
        if not media and not analyses:
            return deleted
