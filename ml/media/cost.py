"""What a photo will cost to read, counted before it is paid: passes, pages, frames and parts.

A few hundred kilobytes can keep a decoder busy for minutes without breaking any rule of their
format. Only headers are read here; nothing is decoded.
"""

from __future__ import annotations

import os
import re
import struct
from collections.abc import Iterator
from typing import IO

MOST_PASSES = 100  # of a JPEG; progressive ones have about ten
MOST_PAGES = 1000  # of a TIFF: all are found, though only the first is read
MOST_FRAMES = 20_000  # of a GIF: all are found, though as a photo only the first is read
MOST_PARTS, BYTES_A_PART = 100_000, 128  # any file may have so many, and one for so many bytes
MARKER = re.compile(rb"\xff+[^\x00\xff\xd0-\xd7]", re.DOTALL)  # within coded pixels there is none
PASS, END, WITHOUT_LENGTH = 0xDA, 0xD9, {0x01, 0xD8}


class _Excess(Exception):
    """More than allowed; its text says of what."""


def excess(stream: IO[bytes]) -> str | None:
    """Return what a file has too much of, as a sentence, or None; the stream ends at its start."""
    head = stream.read(6)
    try:
        for start, count in COUNTERS.items():
            if head.startswith(start):
                limit = MOST_PARTS + stream.seek(0, os.SEEK_END) // BYTES_A_PART
                stream.seek(0)
                for number, _ in enumerate(count(stream)):
                    _check(number, limit, "parts of its format", "Save it anew")
    except _Excess as problem:
        return str(problem)
    except (struct.error, IndexError, ValueError):
        return None  # it ends early, or is damaged: whoever reads it will say so
    finally:
        stream.seek(0)
    return None


def _check(count: int, limit: int, unit: str, advice: str) -> None:
    if count > limit:
        raise _Excess(
            f"The file has more than {limit:,} {unit}, which would take too long to read. "
            f"{advice}, and try again."
        )


def _jpeg(stream: IO[bytes]) -> Iterator[None]:
    """Yield for each segment."""
    data = stream.read()
    at = passes = 0
    while found := MARKER.search(data, at):
        kind, at = data[found.end() - 1], found.end()
        if kind == END:
            return  # a phone's second picture may follow: it is not read
        if kind == PASS:
            passes += 1
            _check(passes, MOST_PASSES, "passes over its pixels", "Save it as an ordinary JPEG")
            if passes == 1 and data.count(bytes((0xFF, PASS)), at) < MOST_PASSES:
                return
        if kind not in WITHOUT_LENGTH:
            at += int.from_bytes(data[at : at + 2])
        yield


def _png(stream: IO[bytes]) -> Iterator[None]:
    """Yield for each chunk."""
    stream.seek(8)
    while len(head := stream.read(8)) == 8:
        stream.seek(int.from_bytes(head[:4]) + 4, os.SEEK_CUR)
        yield


def _tiff(stream: IO[bytes]) -> Iterator[None]:
    """Yield for each tag of each page."""
    head = stream.read(16)
    order = "<" if head.startswith(b"II") else ">"
    is_big = 43 in head[2:4]
    count_as, offset_as, tag_bytes = ("Q", "Q", 20) if is_big else ("H", "I", 12)
    (offset,) = struct.unpack_from(order + offset_as, head, 8 if is_big else 4)
    seen: set[int] = set()
    while offset and offset not in seen:
        seen.add(offset)
        _check(len(seen), MOST_PAGES, "pages", "Save the one that matters by itself")
        stream.seek(offset)
        (tags,) = struct.unpack(order + count_as, stream.read(struct.calcsize(count_as)))
        yield from (None for _ in range(tags))
        stream.seek(tags * tag_bytes, os.SEEK_CUR)
        (offset,) = struct.unpack(order + offset_as, stream.read(struct.calcsize(offset_as)))


def _gif(stream: IO[bytes]) -> Iterator[None]:
    """Yield for each block of at most 255 bytes."""
    _skip_palette(stream, stream.read(13)[10])
    frames = 0
    while kind := stream.read(1):
        if kind == b",":
            frames += 1
            _check(frames, MOST_FRAMES, "frames", "Cut the part that matters")
            _skip_palette(stream, stream.read(9)[8])
        elif kind != b"!":
            return
        stream.seek(1, os.SEEK_CUR)  # the kind of an extension, or the size of codes
        while size := stream.read(1)[0]:
            stream.seek(size, os.SEEK_CUR)
            yield


def _skip_palette(stream: IO[bytes], flags: int) -> None:
    if flags & 0x80:
        stream.seek(3 << (flags % 8 + 1), os.SEEK_CUR)


COUNTERS = {
    b"\xff\xd8\xff": _jpeg,
    b"\x89PNG\r\n": _png,
    b"II*\0": _tiff,
    b"MM\0*": _tiff,
    b"II+\0": _tiff,
    b"MM\0+": _tiff,
    b"GIF8": _gif,
}
