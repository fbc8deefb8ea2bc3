"""Removal of training files that no row refers to."""

from __future__ import annotations

import shutil
import time
from contextlib import suppress
from pathlib import Path

from sqlalchemy.orm import Session

from app.core.settings import Settings
from app.db.training import existing_runs
from app.storage import keys
from app.storage.blobs import LocalBlobs

RUNS = "runs"  # in HOME: the states from which runs resume
CACHE = Path("cache", "training")  # in HOME: decoded images and features, which runs share
CACHE_DAYS = 30.0


def sweep_runs(session: Session, blobs: LocalBlobs, settings: Settings, older_than: float) -> int:
    """Remove the folders of deleted runs and trials; return how many.

    Args:
        session: A session for reading.
        blobs: The store with the runs' blobs.
        settings: For `HOME`.
        older_than: Minimum age of a folder, in seconds.
    """
    newest = time.time() - older_than
    folders = [*_folders(settings.home / RUNS), *_folders(blobs.root / keys.RUNS)]
    old = [folder for folder in folders if folder.stat().st_mtime <= newest]
    known = existing_runs(session, {folder.name for folder in old})
    gone = [folder for folder in old if folder.name not in known]
    for folder in gone:
        shutil.rmtree(folder, ignore_errors=True)
    return len(gone)


def sweep_cache(settings: Settings, days: float = CACHE_DAYS) -> int:
    """Remove files that no run has read or written for `days` days; return how many.

    A run that needs one later creates it again.
    """
    newest = time.time() - days * 86400
    root = settings.home / CACHE
    files = [path for path in root.rglob("*") if path.is_file()] if root.is_dir() else []
    old = [path for path in files if max(path.stat().st_atime, path.stat().st_mtime) <= newest]
    for path in old:
        path.unlink(missing_ok=True)
        with suppress(OSError):  # not empty
            path.parent.rmdir()
    return len(old)


def _folders(root: Path) -> list[Path]:
    return [path for path in root.iterdir() if path.is_dir()] if root.is_dir() else []
