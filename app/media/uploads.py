"""Receives photos and clips; a refused upload leaves nothing on the disk."""

from __future__ import annotations

import hashlib
import json
import re
import unicodedata
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import BinaryIO, TypeVar

from sqlalchemy.orm import Session

from app.core.errors import BadMedia, DiskFull, TooLarge
from app.core.settings import MIB, Settings
from app.db import media as rows
from app.db.hooks import after_rollback
from app.db.tables import Media, new_id
from app.media.decoder.client import HEAD, Decoder, MediaFacts
from app.storage import keys
from app.storage.blobs import BlobStore, flush, no_space_is_disk_full
from ml.layouts.names import is_harmless

NAME_LENGTH = 120
DEFAULT_NAMES = {"image": "photo", "clip": "clip"}
Refusal = Callable[[int], TooLarge]
File = TypeVar("File", bound="IncomingFile")


@dataclass(frozen=True)
class Arrived:
    """A file that is whole and has been decoded; it is gone after the `with` unless kept."""

    facts: MediaFacts
    name: str
    sha256: str
    size: int
    path: Path
    blobs: BlobStore

    def same(self, session: Session, owner: str) -> Media | None:
        """Return this visitor's medium of the same bytes and name, if it was read as this one."""
        row = rows.find_same(session, owner, self.sha256, self.name)
        if row is None or not self.blobs.exists(row.blob_key) or row.note != self.facts.note:
            return None
        shown = self.blobs.exists(row.view_key) and self.blobs.get(row.view_key)
        return row if shown == self.facts.view else None

    def keep(self, session: Session, owner: str) -> Media:
        """Store it; it is removed again if the transaction does not commit."""
        media = _medium(self.facts, owner, self.name, self.size, self.sha256)
        after_rollback(session, partial(self.blobs.delete_prefix, keys.media_folder(media.id)))
        self.blobs.put_file(media.blob_key, self.path)
        self.blobs.put(media.view_key, self.facts.view)
        if self.facts.times:
            times = json.dumps({"times_s": self.facts.times})
            self.blobs.put(keys.frame_times(media.id), times.encode())
        session.add(media)
        session.flush()
        return media


class IncomingFile:
    """A file on the disk that is written as it arrives.

    Attributes:
        path: Where it is; gone after the `with` unless it was moved.
        size: Bytes so far.
    """

    def __init__(self, blobs: BlobStore, settings: Settings, limit: int, refuse: Refusal) -> None:
        self.blobs = blobs
        self.path = blobs.incoming()
        self.size = 0
        self._settings = settings
        self._limit = limit
        self._refuse = refuse
        self._digest = hashlib.sha256()
        self._file: BinaryIO | None = None

    @property
    def sha256(self) -> str:
        """The hash of what was written, in hex."""
        return self._digest.hexdigest()

    def write(self, data: bytes) -> None:
        """Add bytes.

        Raises:
            DiskFull: The disk has no room for them.
            TooLarge: They exceed the limit.
        """
        with no_space_is_disk_full():
            if self._file is None:
                self._check_room()
                self._file = self.path.open("wb")
            self.size += len(data)
            if self.size > self._limit:
                raise self._refuse(self._limit)
            self._digest.update(data)
            self._file.write(data)

    def finish(self) -> None:
        """Wait until all is on the disk; BadMedia if nothing came, DiskFull."""
        if self._file is None:
            self._check_room()
            raise BadMedia("The file is empty (0 bytes): choose it again.", status=400)
        with no_space_is_disk_full():
            flush(self._file)
            self._file.close()

    def drop(self) -> None:
        """Remove it unless it was moved."""
        if self._file is not None:
            with suppress(OSError):  # a full disk, which has been reported
                self._file.close()
        self.path.unlink(missing_ok=True)

    def _check_room(self) -> None:
        if self.blobs.free_bytes() < self._settings.min_free_bytes:
            raise DiskFull


class IncomingMedia(IncomingFile):
    """A photo or clip, whose first bytes decide how large it may be."""

    def __init__(self, blobs: BlobStore, decoder: Decoder, settings: Settings) -> None:
        super().__init__(blobs, settings, settings.max_image_bytes, too_large)
        self._decoder = decoder
        self._head = b""  # until it is as long as its kind needs

    def write(self, data: bytes) -> None:
        """Add bytes, as `IncomingFile` does."""
        if self.size == 0:
            self._head += data
            if len(self._head) < HEAD:
                return
            data = self._begin()
        super().write(data)

    def finish(self) -> None:
        """Wait until all is on the disk."""
        if self.size == 0 and self._head:
            super().write(self._begin())
        super().finish()

    def inspect(self, filename: str) -> Arrived:
        """Decode the whole file.

        Raises:
            BadMedia: It is neither a photo nor a clip, or damaged.
            TooLarge: It exceeds a limit.
            DiskFull: The disk has no room for it.
            Busy: The decoder is occupied.
        """
        self.finish()
        facts = self._decoder.inspect(self.path)
        if facts.kind == "image" and self.size > self._settings.max_image_bytes:
            raise too_large(self._settings.max_image_bytes)  # a GIF that is not animated
        name = clean_name(filename, DEFAULT_NAMES[facts.kind])
        return Arrived(facts, name, self.sha256, self.size, self.path, self.blobs)

    def _begin(self) -> bytes:
        """Set the limit by the kind, and return the first bytes."""
        kind = self._decoder.kind(self._head)
        if kind in {"gif", "clip"}:
            clips, photos = self._settings.max_clip_bytes, self._settings.max_image_bytes
            self._limit = clips if kind == "clip" else max(clips, photos)
            self._refuse = clip_too_large
        head, self._head = self._head, b""
        return head


@contextmanager
def dropped(file: File) -> Iterator[File]:
    """Yield a file that is being received, and drop it at the end of the `with`."""
    try:
        yield file
    finally:
        file.drop()


def _medium(facts: MediaFacts, owner: str, filename: str, size: int, sha256: str) -> Media:
    media_id = new_id()
    return Media(
        id=media_id,
        owner=owner,
        kind=facts.kind,
        filename=filename,
        format=facts.format,
        content_type=facts.content_type,
        width=facts.width,
        height=facts.height,
        frames=facts.frames,
        fps=facts.fps,
        duration_s=facts.duration_s,
        codec=facts.codec,
        playable=_playable(facts),
        bytes=size,
        sha256=sha256,
        note=facts.note,
        blob_key=keys.original(media_id),
        view_key=keys.view(media_id),
    )


def _playable(facts: MediaFacts) -> str:
    if facts.kind != "clip":
        return ""
    return "original" if facts.playable else "waiting"


def clean_name(filename: str, default: str = "photo") -> str:
    """Return the last part of a file's name without control characters, for people to read."""
    name = unicodedata.normalize("NFC", re.split(r"[/\\]", filename)[-1])
    name = "".join(letter for letter in name if is_harmless(letter)).strip(" .")
    if len(name) > NAME_LENGTH:
        stem, dot, ending = name.rpartition(".")
        keep_ending = dot + ending if dot and len(ending) <= 8 else ""
        name = (stem or name)[: NAME_LENGTH - len(keep_ending)] + keep_ending
    return name or default


def too_large(limit: int) -> TooLarge:
    """Return the refusal of a photo over `limit` bytes."""
    return TooLarge(
        f"The file is larger than {limit / MIB:.3g} MB, the most that a photo may have. "
        "Save it smaller and try again."
    )


def clip_too_large(limit: int) -> TooLarge:
    """Return the refusal of a clip over `limit` bytes."""
    return TooLarge(
        f"The file is larger than {limit / MIB:.3g} MB, the most that a clip may have. "
        "Cut the part that matters, or save it smaller, and try again."
    )
