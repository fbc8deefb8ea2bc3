"""Removing analyses and media, with every file that no row points at any more."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

from sqlalchemy.orm import Session

from app.db import garbage
from app.db.hooks import after_commit
from app.db.tables import Analysis, Media
from app.storage.blobs import BlobStore

SETTLED_SECONDS = 3600.0  # a file younger than this may still be waiting for its row
PREFIXES = ("media", "maps", "figures")


def delete_analysis(session: Session, blobs: BlobStore, analysis: Analysis) -> None:
    """Remove an analysis, its job, and after the commit its files."""
    _remove(session, blobs, garbage.remove_analyses(session, [analysis]))
    after_commit(session, partial(blobs.delete_prefix, f"figures/{analysis.id}"))


def delete_media(session: Session, blobs: BlobStore, media: Media) -> None:
    """Remove a medium and all analyses of it."""
    for analysis in garbage.analyses_of(session, media.id):
        delete_analysis(session, blobs, analysis)
    garbage.remove_media(session, media)
    after_commit(session, partial(blobs.delete_prefix, f"media/{media.id}"))


def sweep(session: Session, blobs: BlobStore, older_than: float = SETTLED_SECONDS) -> int:
    """Remove the files that no row knows, left by processes that were killed; return how many."""
    keys = [key for prefix in PREFIXES for key in blobs.keys(prefix, older_than)]
    unknown = garbage.unreferenced(session, keys)
    for key in unknown:
        blobs.delete(key)
    return len(unknown)


def discard_unfinished(session: Session, blobs: BlobStore, analysis_id: str) -> None:
    """Remove the maps that a worker wrote for an analysis, but for which it made no rows."""
    for key in garbage.unreferenced(session, blobs.keys(f"maps/{analysis_id}")):
        blobs.delete(key)


def _remove(session: Session, blobs: BlobStore, keys: Iterable[str]) -> None:
    keys = set(keys)
    unknown = garbage.unreferenced(session, keys)
    for key in unknown:
        after_commit(session, partial(blobs.delete, key))
    kept = {key.rpartition("/")[0] for key in keys - unknown}
    for folder in {key.rpartition("/")[0] for key in unknown} - kept:
        after_commit(session, partial(blobs.delete_prefix, folder))  # a clip's frames and flow
