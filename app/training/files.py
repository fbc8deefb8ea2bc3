"""The files of a run: its state on the local disk, its results among the blobs."""

from __future__ import annotations

import shutil
from pathlib import Path

from app.core.settings import Settings
from app.db.documents import Card
from app.jobs.cleanup import CACHE, RUNS
from app.storage import keys
from app.storage.blobs import BlobStore


def state_folder(settings: Settings, run_id: str) -> Path:
    """Return the folder of a run's state, from which a stopped run continues."""
    return settings.home / RUNS / run_id


def cache_folder(settings: Settings) -> Path:
    """Return the folder of decoded images and features, shared by all runs."""
    return settings.home / CACHE


def published_key(card: Card) -> str | None:
    """Return the blob of a published model's checkpoint; None for a shipped model."""
    if (source := card.get("source")) is None:
        return None
    if source["kind"] == "run":
        return keys.run_model(source["run_id"])
    return keys.imported_model(card["id"])


def remove_run(settings: Settings, blobs: BlobStore, run_id: str) -> None:
    """Remove all files of a run."""
    shutil.rmtree(state_folder(settings, run_id), ignore_errors=True)
    blobs.delete_prefix(keys.run_folder(run_id))
