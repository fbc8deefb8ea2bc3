"""Synthetic photos of every kind that a visitor may upload."""

from __future__ import annotations

import struct
import zlib

import numpy as np
from PIL import Image

from tests.support.encoding import encode


def scene(width: int = 120, height: int = 80) -> Image.Image:
    """An RGB picture whose left half is red and whose right half is blue."""
    pixels = np.zeros((height, width, 3), np.uint8)
    pixels[:, : width // 2] = (200, 30, 30)
    pixels[:, width // 2 :] = (30, 30, 200)
    return Image.fromarray(pixels)


def animation(kind: str) -> bytes:
    """Three frames whose corner on the lower right is white: red, then green, then blue."""
    frames = [Image.new("RGB", (40, 40), colour) for colour in ("red", "green", "blue")]
    for frame in frames:
        frame.paste("white", (24, 24, 40, 40))
    return encode(frames[0], kind, save_all=True, append_images=frames[1:], duration=100)


def rotated_by_exif(orientation: int) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return encode(scene(), "JPEG", exif=exif)


def grey16(value: int) -> bytes:
    return encode(Image.fromarray(np.full((40, 40), value, np.uint16)), "PNG")


def palette_with_alpha() -> bytes:
    image = Image.new("P", (40, 40), 0)
    image.putpalette([255, 0, 0, 0, 255, 0])
    image.paste(1, (20, 0, 40, 40))
    return encode(image, "PNG", transparency=0)


def colour16(red: int, green: int, blue: int) -> bytes:
    """A PNG of 16 bits a channel, all one colour."""
    row = b"\0" + struct.pack(">HHH", red, green, blue) * 40
    return _png(40, 40, zlib.compress(row * 40), depth=16, colour_type=2)


def png_header_only(width: int, height: int) -> bytes:
    """A PNG of a few bytes whose header declares this size."""
    return _png(width, height, zlib.compress(b""))


def png_bomb(side: int) -> bytes:
    """A real PNG of side x side pixels with alpha, about a thousandth of its size."""
    assert side % 100 == 0
    return _png(side, side, _packed(bytes(100 * (1 + 4 * side)), side // 100), colour_type=6)


def png_text_bomb() -> bytes:
    """A small PNG with a comment that unpacks to 100 MB."""
    plain = encode(scene(), "PNG")
    comment = b"Comment\0\0" + _packed(b"a" * 1_000_000, 100)
    return plain[:33] + chunk(b"zTXt", comment) + plain[33:]


def _packed(chunk: bytes, times: int) -> bytes:
    """The zlib stream of the chunk repeated `times`, which compresses it only once."""
    packer = zlib.compressobj(wbits=-15)
    block = packer.compress(chunk) + packer.flush(zlib.Z_FULL_FLUSH)
    check = 1
    for _ in range(times):
        check = zlib.adler32(chunk, check)
    return b"\x78\x9c" + block * times + b"\x03\0" + struct.pack(">I", check)


def _png(width: int, height: int, packed: bytes, depth: int = 8, colour_type: int = 0) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, depth, colour_type, 0, 0, 0)
    parts = (chunk(b"IHDR", header), chunk(b"IDAT", packed), chunk(b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def chunk(name: bytes, data: bytes) -> bytes:
    check = zlib.crc32(name + data)
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", check)
