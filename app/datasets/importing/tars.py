"""The entries of a TAR file, read as a stream; headers are limited too."""

from __future__ import annotations

import tarfile
from collections.abc import Callable, Iterator
from typing import IO, Literal

from app.core.errors import BadArchive
from app.core.settings import MIB
from app.datasets.importing.encodings import EntryNames

BLOCK = 512
HEADERS = 8 * MIB  # at most between two entries: long names and the like
Raw = tuple[str, Literal["file", "folder", "link"], int, Callable[[int], bytes]]


class Passing:
    """Counts the bytes that `tarfile` reads, so that no header fills the memory."""

    def __init__(self, file: IO[bytes], check: Callable[[int], None]) -> None:
        self._file = file
        self._check = check
        self.passed = 0
        self.last = b""
        self.until = HEADERS

    def read(self, count: int) -> bytes:
        """Return the next bytes."""
        data = self._file.read(count)
        self.passed += len(data)
        self.last = (self.last + data[-BLOCK:])[-BLOCK:]
        if self.passed > self.until:
            raise BadArchive("The TAR file has headers of many megabytes: pack the folder anew.")
        self._check(self.passed)
        return data


def tar_entries(file: IO[bytes], check: Callable[[int], None], names: EntryNames) -> Iterator[Raw]:
    """Yield (name, kind, size, read) of each entry; `check` gets the bytes read so far."""
    passing = Passing(file, check)
    with tarfile.open(
        fileobj=passing,  # type: ignore[call-overload]
        mode="r|",
        encoding="utf-8",
        errors="surrogateescape",
    ) as archive:
        while (member := archive.next()) is not None:
            archive.members.clear()  # or it keeps all of them
            passing.until = passing.passed + member.size + HEADERS
            yield _entry(archive, member, names)
        if any(passing.last):  # `tarfile` accepts a file that is cut off between entries
            raise tarfile.ReadError("no end of archive")


def _entry(archive: tarfile.TarFile, member: tarfile.TarInfo, names: EntryNames) -> Raw:
    name = names.read(member.name.encode("utf-8", "surrogateescape"))
    if member.isdir():
        return name, "folder", 0, _nothing
    content = archive.extractfile(member) if member.isreg() else None
    if content is None:
        return name, "link", 0, _nothing
    return name, "file", member.size, content.read


def _nothing(_count: int) -> bytes:
    return b""
