"""The entries of a ZIP file, counted before `zipfile` reads their list into memory."""

from __future__ import annotations

import stat
import struct
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Literal

from app.core.errors import BadArchive, TooLarge
from app.datasets.importing.encodings import EntryNames
from app.datasets.importing.names import shown

END = b"PK\x05\x06"
END64 = b"PK\x06\x06"
LOCATOR64 = b"PK\x06\x07"
RECORD = b"PK\x01\x02"
RECORD_BYTES = 46
COMMENT_BYTES = 65_535
LONGEST = 4096  # bytes of an entry in the list: name, comment, times
ENCRYPTED = 0x1
UTF8 = 0x800
KNOWN = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA}
Raw = tuple[str, Literal["file", "folder", "link"], int, Callable[[int], bytes]]


def zip_entries(path: Path, most: int, names: EntryNames) -> Iterator[Raw]:
    """Yield (name, kind, size, read) of each entry; TooLarge if there are more than `most`."""
    with path.open("rb") as file:
        _check_count(file, path.stat().st_size, most)
        with zipfile.ZipFile(file) as archive:
            infos = sorted(archive.infolist(), key=lambda info: info.header_offset)
            names.learn(raw for info in infos if (raw := undeclared(info)) is not None)
            for info in infos:  # in the order in which they lie on the disk
                yield from _entry(archive, info, names)


def _entry(archive: zipfile.ZipFile, info: zipfile.ZipInfo, names: EntryNames) -> Iterator[Raw]:
    raw = undeclared(info)
    name = info.filename if raw is None else names.read(raw)
    mode = info.external_attr >> 16
    if info.is_dir():
        yield name, "folder", 0, _nothing
    elif stat.S_IFMT(mode) not in {0, stat.S_IFREG}:
        yield name, "link", 0, _nothing
    elif info.flag_bits & ENCRYPTED:
        raise BadArchive("The ZIP file is encrypted: pack it again without a password.")
    elif info.compress_type not in KNOWN:
        raise BadArchive(
            f"The ZIP file packs {shown(name)} by a method that cannot be read here (number "
            f"{info.compress_type}): pack it again as an ordinary ZIP."
        )
    else:
        with Lazy(archive, info) as file:
            yield name, "file", info.file_size, file.read


class Lazy:
    """An entry that is opened by the first read: many are only listed."""

    def __init__(self, archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> None:
        self._archive = archive
        self._info = info
        self._file: IO[bytes] | None = None

    def __enter__(self) -> Lazy:
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            self._file.close()

    def read(self, count: int) -> bytes:
        """Return the next bytes."""
        if self._file is None:
            self._file = self._archive.open(self._info)
        return self._file.read(count)


def undeclared(info: zipfile.ZipInfo) -> bytes | None:
    """Return the bytes of an entry's name, or None if the ZIP says that it is UTF-8."""
    if info.flag_bits & UTF8:
        return None
    try:
        return info.filename.encode("cp437")  # as `zipfile` has read them
    except UnicodeEncodeError:
        return None


def _nothing(_count: int) -> bytes:
    return b""


def _check_count(file: IO[bytes], size: int, most: int) -> None:
    """Count the records of the list at the file's end, without keeping them."""
    start, length = _list_place(file, size)
    if length > most * LONGEST:
        raise TooLarge(f"The archive lists more than {most:,} files: leave some out.")
    file.seek(start)
    listed, offset, count = file.read(length), 0, 0
    while listed[offset : offset + 4] == RECORD and offset + RECORD_BYTES <= length:
        name, extra, comment = struct.unpack_from("<HHH", listed, offset + 28)
        offset += RECORD_BYTES + name + extra + comment
        count += 1
        if count > most:
            raise TooLarge(f"The archive lists more than {most:,} files: leave some out.")


def _list_place(file: IO[bytes], size: int) -> tuple[int, int]:
    """Return (offset, length) of the list of entries, as `zipfile` will find it."""
    tail_length = min(size, COMMENT_BYTES + 22)
    file.seek(size - tail_length)
    tail = file.read(tail_length)
    at = tail.rfind(END)
    if at < 0 or at + 22 > len(tail):
        raise zipfile.BadZipFile("no end record")
    length = struct.unpack_from("<I", tail, at + 12)[0]
    end = size - tail_length + at
    if at >= 20 and tail[at - 20 : at - 16] == LOCATOR64:
        file.seek(end - 20 - 56)
        record = file.read(56)
        if record[:4] == END64:
            length, end = struct.unpack_from("<Q", record, 40)[0], end - 20 - 56
    if length > end:
        raise zipfile.BadZipFile("the list of entries is longer than the file")
    return end - length, length
