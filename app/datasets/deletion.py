"""Deletes datasets, and files that no dataset owns any more."""

from __future__ import annotations

from functools import partial

from sqlalchemy.orm import Session

from app.core.errors import Conflict
from app.db import datasets as rows
from app.db.hooks import after_commit
from app.db.training_tables import Dataset
from app.storage import keys
from app.storage.blobs import BlobStore


def discard_files(session: Session, blobs: BlobStore, dataset_id: str) -> None:
    """Delete a dataset's files after the commit."""
    after_commit(session, partial(blobs.delete_prefix, keys.dataset_folder(dataset_id)))


def delete_dataset(session: Session, blobs: BlobStore, dataset: Dataset) -> None:
    """Delete a dataset, its job and its files; Conflict while a study uses it."""
    if rows.is_used(session, dataset.id):
        raise Conflict("A study uses this dataset: delete the study first.")
    rows.remove(session, dataset)
    discard_files(session, blobs, dataset.id)


def sweep(session: Session, blobs: BlobStore, older_than: float) -> int:
    """Delete folders that no dataset owns, which killed processes left; return how many."""
    folders = list(blobs.folders(keys.DATASETS, older_than))
    orphans = set(folders) - rows.with_files(session, folders)
    for dataset_id in orphans:
        blobs.delete_prefix(keys.dataset_folder(dataset_id))
    return len(orphans)
