"""Receives photos and clips; a refused upload leaves nothing on the disk."""

from __future__ import annotations

import hashlib
import json
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import chain
from pathlib import Path

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


@contextmanager
def received(
    chunks: Iterable[bytes], blobs: BlobStore, decoder: Decoder, settings: Settings, filename: str
) -> Iterator[Arrived]:
    """Write a file as it arrives and decode it.

    No session is needed until the file is known to be good. A file that is not kept by the end of
    the `with` is removed.

    Raises:
        BadMedia: The file is neither a photo nor a clip, or damaged.
        TooLarge: It exceeds a limit.
        DiskFull: The disk has no room for it.
        Busy: The decoder is occupied.
    """
    temporary = blobs.incoming()
    try:
        limit, refuse, body = _limit(chunks, decoder, settings)
        sha256, size = write_chunks(body, temporary, blobs, settings, limit, refuse)
        facts = decoder.inspect(temporary)
        if facts.kind == "image" and size > settings.max_image_bytes:
            raise too_large(settings.max_image_bytes)  # a GIF that is not animated
        name = clean_name(filename, DEFAULT_NAMES[facts.kind])
        yield Arrived(facts, name, sha256, size, temporary, blobs)
    finally:
        temporary.unlink(missing_ok=True)


def _limit(
    chunks: Iterable[bytes], decoder: Decoder, settings: Settings
) -> tuple[int, Refusal, Iterable[bytes]]:
    """Return the most bytes that a file of this kind may have, the refusal, and all chunks."""
    rest = iter(chunks)
    head = b""
    while len(head) < HEAD and (chunk := next(rest, b"")):
        head += chunk
    body = chain([head] if head else [], rest)
    kind = decoder.kind(head)
    if kind == "gif":
        return max(settings.max_clip_bytes, settings.max_image_bytes), clip_too_large, body
    if kind == "clip":
        return settings.max_clip_bytes, clip_too_large, body
    return settings.max_image_bytes, too_large, body


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


def write_chunks(
    chunks: Iterable[bytes],
    target: Path,
    blobs: BlobStore,
    settings: Settings,
    limit: int,
    too_large: Refusal,
) -> tuple[str, int]:
    """Write the chunks to the disk; return their SHA-256 and their size in bytes.

    Raises:
        DiskFull: The disk has no room for them.
        TooLarge: They exceed `limit` bytes; the error is `too_large(limit)`.
        BadMedia: They are empty.
    """
    digest = hashlib.sha256()
    size = 0
    if blobs.free_bytes() < settings.min_free_bytes:
        raise DiskFull
    with no_space_is_disk_full(), target.open("wb") as file:
        for chunk in chunks:
            size += len(chunk)
            if size > limit:
                raise too_large(limit)
            digest.update(chunk)
            file.write(chunk)
        flush(file)
    if size == 0:
        raise BadMedia("The file is empty (0 bytes): choose it again.", status=400)
    return digest.hexdigest(), size


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
