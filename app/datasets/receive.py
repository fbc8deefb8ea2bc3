"""Receives archives; a refused one leaves nothing on the disk."""

from __future__ import annotations

from functools import partial

from sqlalchemy.orm import Session

from app.core.errors import DiskFull, TooLarge
from app.core.settings import MIB, Settings
from app.datasets.importing.archives import sniff
from app.db.hooks import after_rollback
from app.media.uploads import IncomingFile
from app.storage import keys
from app.storage.blobs import BlobStore


def too_large(limit: int) -> TooLarge:
    """Return the refusal of an archive over `limit` bytes."""
    return TooLarge(
        f"The archive is larger than {limit / MIB:,.0f} MB, the most that one may have. Put the "
        "folder on the server under SIGHTLINE_DATA and import it from there."
    )


def check_room(blobs: BlobStore, settings: Settings, declared: int) -> None:
    """Raise DiskFull if `declared` bytes would not fit."""
    if blobs.free_bytes() - declared < settings.min_free_bytes:
        raise DiskFull(
            "The server's disk has no room for this archive: delete old datasets or free some "
            "space, then try again."
        )


class IncomingArchive(IncomingFile):
    """An archive that is written as it arrives."""

    def __init__(self, blobs: BlobStore, settings: Settings) -> None:
        super().__init__(blobs, settings, settings.max_archive_bytes, too_large)

    def finish(self) -> None:
        """Wait until all is on the disk; BadArchive unless it is an archive."""
        super().finish()
        sniff(self.path)

    def keep(self, session: Session, dataset_id: str) -> None:
        """Store it; it is removed again if the transaction does not commit."""
        folder = keys.dataset_folder(dataset_id)
        after_rollback(session, partial(self.blobs.delete_prefix, folder))
        self.blobs.put_file(keys.dataset_archive(dataset_id), self.path)
