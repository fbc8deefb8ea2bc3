"""Entries of ZIP and TAR files as streams: nothing is extracted under its own name."""

from __future__ import annotations

import bz2
import errno
import gzip
import lzma
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Literal

from app.core.errors import BadArchive, TooLarge
from app.core.settings import MIB, Settings
from app.datasets.importing.encodings import EntryNames
from app.datasets.importing.tars import tar_entries
from app.datasets.importing.zips import zip_entries

Kind = Literal["zip", "tar", "gz", "bz2", "xz"]
MAGIC: tuple[tuple[bytes, Kind], ...] = (
    (b"PK\x03\x04", "zip"),
    (b"PK\x05\x06", "zip"),  # one without entries
    (b"\x1f\x8b", "gz"),
    (b"BZh", "bz2"),
    (b"\xfd7zXZ\0", "xz"),
)
OTHERS = ((b"Rar!", "RAR"), (b"7z\xbc\xaf", "7-Zip"), (b"\x28\xb5\x2f\xfd", "Zstandard"))
SLACK = 64 * MIB
HEADER_BYTES = 2048  # of a TAR's entry, with its padding
RATIO = 200  # photos are compressed already: what unpacks to more is no set of photos
OPENERS: dict[Kind, Callable[..., IO[bytes]]] = {
    "tar": open,
    "gz": gzip.open,  # type: ignore[dict-item]
    "bz2": bz2.open,
    "xz": lzma.open,
}
BROKEN = (
    EOFError,
    NotImplementedError,
    OSError,
    RuntimeError,
    ValueError,
    lzma.LZMAError,
    tarfile.TarError,
    zipfile.BadZipFile,
    zlib.error,
)


class EntryDamaged(Exception):
    """One file of a ZIP cannot be unpacked; the others may be whole."""


@dataclass(frozen=True)
class ArchiveEntry:
    """One entry: `kind` is file, folder or link; `read(count)` gives the file's next bytes."""

    name: str
    kind: Literal["file", "folder", "link"]
    size: int
    read: Callable[[int], bytes]


def sniff(path: Path) -> Kind:
    """Return the kind of an archive; BadArchive if it cannot be read here."""
    with path.open("rb") as file:
        head = file.read(512)
    for magic, kind in MAGIC:
        if head.startswith(magic):
            return kind
    if head[257:262] == b"ustar" or (len(head) == 512 and _is_old_tar(head)):
        return "tar"
    for magic, name in OTHERS:
        if head.startswith(magic):
            raise BadArchive(f"This is a {name} archive: pack the folder as ZIP or TAR instead.")
    raise BadArchive("This file is neither ZIP nor TAR: pack the folder as one of these.")


def entries(path: Path, settings: Settings, names: EntryNames) -> Iterator[ArchiveEntry]:
    """Yield the entries of an archive; each can be read until the next one is taken.

    Raises:
        BadArchive: It is damaged or encrypted.
        TooLarge: It has too many entries, or unpacks to too much.
        EntryDamaged: Reading one entry of a ZIP failed.
    """
    kind = sniff(path)
    count, unpacked = 0, 0
    max_bytes = min(settings.max_dataset_bytes, RATIO * path.stat().st_size + SLACK)

    def metered(read: Callable[[int], bytes]) -> Callable[[int], bytes]:
        def counting(size: int) -> bytes:
            nonlocal unpacked
            try:
                with damage_is_refused():
                    data = read(size)
            except BadArchive as error:
                if kind == "zip":
                    raise EntryDamaged from error
                raise
            unpacked += len(data)
            if unpacked > max_bytes:
                raise _bomb(max_bytes, settings)
            return data

        return counting

    with damage_is_refused():

        def check(passed: int) -> None:
            if passed > max_bytes + SLACK + HEADER_BYTES * count:
                raise _bomb(max_bytes, settings)

        for name, what, size, read in _raw(path, kind, settings, check, names):
            count += 1
            if count > settings.max_dataset_files:
                raise too_many(settings.max_dataset_files)
            yield ArchiveEntry(name, what, size, metered(read))


def _raw(
    path: Path,
    kind: Kind,
    settings: Settings,
    check: Callable[[int], None],
    names: EntryNames,
) -> Iterator[tuple[str, Literal["file", "folder", "link"], int, Callable[[int], bytes]]]:
    if kind == "zip":
        yield from zip_entries(path, settings.max_dataset_files, names)
        return
    with OPENERS[kind](path, "rb") as file:
        yield from tar_entries(file, check, names)


def _bomb(most: int, settings: Settings) -> TooLarge:
    if most == settings.max_dataset_bytes:
        return TooLarge(
            f"The archive unpacks to more than {most / MIB:,.0f} MB, the most that a dataset may "
            "have. Leave images out or make them smaller."
        )
    return TooLarge(
        f"The archive unpacks to more than {RATIO} times its size: it holds something else than "
        "photos."
    )


def too_many(most: int) -> TooLarge:
    """Return the refusal of more than `most` entries."""
    return TooLarge(f"There are more than {most:,} files: leave some out.")


@contextmanager
def damage_is_refused() -> Iterator[None]:
    """Turn what the libraries raise about a damaged archive into BadArchive."""
    try:
        yield
    except BROKEN as error:
        if isinstance(error, OSError) and error.errno not in (None, errno.EINVAL):
            raise  # the disk's fault, not the archive's; EINVAL: a seek to before the beginning
        raise BadArchive(
            "The archive is cut off or damaged: it cannot be read to its end. Pack or send it "
            "again."
        ) from error


def _is_old_tar(head: bytes) -> bool:
    """Return True if the checksum in a header without a magic word is right."""
    try:
        stored = int(head[148:156].split(b"\0")[0].strip() or b"0", 8)
    except ValueError:
        return False
    return head[0] != 0 and stored == sum(head[:148]) + 8 * 32 + sum(head[156:])
