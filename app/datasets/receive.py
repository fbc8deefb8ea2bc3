"""Receives archives; a refused one leaves nothing on the disk."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial

from sqlalchemy.orm import Session

from app.core.errors import DiskFull, TooLarge
from app.core.settings import MIB, Settings
from app.datasets.importing.archives import sniff
from app.db.hooks import after_rollback
from app.media.uploads import write_chunks
from app.storage import keys
from app.storage.blobs import BlobStore

Keep = Callable[[Session, str], None]


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


@contextmanager
def received(chunks: Iterable[bytes], blobs: BlobStore, settings: Settings) -> Iterator[Keep]:
    """Write an archive as it arrives; yield `keep(session, dataset_id)`.

    Raises BadArchive, BadMedia (an empty file), TooLarge or DiskFull. What is not kept by the end
    of the `with` is removed, also if the session's transaction does not commit.
    """
    temporary = blobs.incoming()
    try:
        limit = settings.max_archive_bytes
        write_chunks(chunks, temporary, blobs, settings, limit, too_large)
        sniff(temporary)

        def keep(session: Session, dataset_id: str) -> None:
            after_rollback(session, partial(blobs.delete_prefix, keys.dataset_folder(dataset_id)))
            blobs.put_file(keys.dataset_archive(dataset_id), temporary)

        yield keep
    finally:
        temporary.unlink(missing_ok=True)
