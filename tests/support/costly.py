"""Small files that would take long to read."""

from __future__ import annotations

import struct
import zlib

from tests.support import photos


def jpeg_of_passes(count: int) -> bytes:
    """A progressive JPEG whose last pass over the pixels comes again and again."""
    data = photos.encode(photos.scene(1200, 800), "JPEG", progressive=True, quality=5)
    own = data.count(b"\xff\xda")
    last = data[data.rfind(b"\xff\xda") : -2]
    return data[:-2] + last * (count - own) + data[-2:]


def tiff_of_pages(count: int) -> bytes:
    """A TIFF whose pages of 8 x 8 pixels all show the same bytes."""
    pixels = bytes(range(64))
    tags = {256: 8, 257: 8, 258: 8, 259: 1, 262: 1, 273: 8, 278: 8, 279: len(pixels)}
    page = struct.pack("<H", len(tags))
    page += b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags.items())
    start, size = 8 + len(pixels), len(page) + 4
    following = [start + number * size for number in range(1, count)] + [0]
    pages = b"".join(page + struct.pack("<I", offset) for offset in following)
    return b"II*\0" + struct.pack("<I", start) + pixels + pages


def png_of_chunks(count: int) -> bytes:
    """A PNG with many empty chunks that nobody needs."""
    data = photos.encode(photos.scene(), "PNG")
    chunk = struct.pack(">I4sI", 0, b"quIt", zlib.crc32(b"quIt"))
    return data[:33] + chunk * count + data[33:]


def gif_of_frames(count: int) -> bytes:
    """A GIF whose frame comes again and again."""
    data = photos.encode(photos.scene(8, 8), "GIF")
    start = data.index(b",", 13 + (3 << (data[10] % 8 + 1)))
    return data[:start] + data[start:-1] * count + b";"
