"""ICC profiles made from their definitions, and what they mean, computed without any library."""

from __future__ import annotations

import struct
from functools import cache

import numpy as np

D50 = (0.9642, 1.0, 0.8249)
# Columns are red, green and blue in XYZ under D50; last the exponent of the tone curve.
SRGB = ((0.4360, 0.2225, 0.0139), (0.3851, 0.7169, 0.0971), (0.1431, 0.0606, 0.7139))
P3 = ((0.5151, 0.2412, -0.0011), (0.2920, 0.6922, 0.0419), (0.1571, 0.0666, 0.7841))
ADOBE = ((0.6097, 0.3111, 0.0195), (0.2053, 0.6257, 0.0609), (0.1492, 0.0632, 0.7446))
PRO_PHOTO = ((0.7977, 0.2880, 0.0), (0.1352, 0.7119, 0.0), (0.0313, 0.0001, 0.8249))


@cache
def display_p3() -> bytes:
    """Its tone curve is taken as a power of 2.2, as that of many real profiles."""
    return _rgb(P3, 2.2)


@cache
def adobe_rgb() -> bytes:
    return _rgb(ADOBE, 563 / 256)


@cache
def pro_photo() -> bytes:
    return _rgb(PRO_PHOTO, 1.8)


def grey(gamma: float) -> bytes:
    return _profile(b"GRAY", {b"wtpt": _xyz(D50), b"kTRC": _curve(gamma)})


def as_srgb(pixels: np.ndarray, profile: bytes) -> np.ndarray:
    """uint8 [h, w, 3] of an RGB profile above to the levels of sRGB, float, cut to 0..255."""
    columns, gamma = {
        display_p3(): (P3, 2.2),
        adobe_rgb(): (ADOBE, 563 / 256),
        pro_photo(): (PRO_PHOTO, 1.8),
    }[profile]
    light = (pixels / 255.0) ** gamma
    linear = light @ np.array(columns) @ np.linalg.inv(np.array(SRGB))
    linear = linear.clip(0, 1)
    toned = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    return 255 * toned


def _rgb(columns: tuple[tuple[float, ...], ...], gamma: float) -> bytes:
    tags = {b"wtpt": _xyz(D50)}
    for letter, column in zip((b"r", b"g", b"b"), columns, strict=True):
        tags[letter + b"XYZ"] = _xyz(column)
        tags[letter + b"TRC"] = _curve(gamma)
    return _profile(b"RGB ", tags)


def _profile(space: bytes, tags: dict[bytes, bytes]) -> bytes:
    tags = {b"desc": _words("made by a test"), b"cprt": _text("none"), **tags}
    offset = 128 + 4 + 12 * len(tags)
    table, body = struct.pack(">I", len(tags)), b""
    for name, data in tags.items():
        table += struct.pack(">4sII", name, offset + len(body), len(data))
        body += data + bytes(-len(data) % 4)
    header = struct.pack(
        ">I4sI4s4s4s12s4s4sIIIQI12s", 128 + len(table) + len(body), bytes(4), 0x02200000,
        b"mntr", space, b"XYZ ", bytes(12), b"acsp", bytes(4), 0, 0, 0, 0, 0,
        b"".join(map(_fixed, D50)),
    )  # fmt: skip
    return header.ljust(128, b"\0") + table + body


def _fixed(value: float) -> bytes:
    return struct.pack(">i", round(value * 65536))


def _xyz(values: tuple[float, ...]) -> bytes:
    return b"XYZ \0\0\0\0" + b"".join(map(_fixed, values))


def _curve(gamma: float) -> bytes:
    return b"curv\0\0\0\0" + struct.pack(">IH", 1, round(gamma * 256))


def _text(words: str) -> bytes:
    return b"text\0\0\0\0" + words.encode() + b"\0"


def _words(words: str) -> bytes:
    ascii_ = words.encode() + b"\0"
    return b"desc\0\0\0\0" + struct.pack(">I", len(ascii_)) + ascii_ + bytes(78)
