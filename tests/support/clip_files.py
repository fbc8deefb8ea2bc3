"""Clips that draw their own frame number in large blocks, and how to read it back."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import chain
from pathlib import Path

import av
import numpy as np

COLUMNS, ROWS, BLOCK = 4, 3, 32
BITS = COLUMNS * (ROWS - 1)
RED, BLUE, GREEN, WHITE = (220, 30, 30), (30, 30, 220), (30, 180, 30), (235, 235, 235)


@dataclass(frozen=True)
class Kind:
    """A container and codec; `unit` is the time base of the `times` passed to `make`."""

    name: str  # with the file's ending
    codec: str
    options: dict[str, str] = field(default_factory=dict)
    pix_fmt: str = "yuv420p"
    b_frames: bool = True
    unit: Fraction = Fraction(1, 1000)


KINDS = {
    "h264 mp4": Kind("h264.mp4", "libx264", {"bf": "3", "g": "60", "x264-params": "b-adapt=0"}),
    "h264 mov": Kind("h264.mov", "libx264", {"bf": "2", "g": "12"}),
    "open gop": Kind("open.mp4", "libx264", {"x264-params": "open-gop=1:keyint=10:bframes=3"}),
    "mpeg4 mp4": Kind("mpeg4.mp4", "mpeg4", {"g": "25", "bf": "2"}),
    "mpeg4 avi": Kind("mpeg4.avi", "mpeg4", {"g": "25"}, unit=Fraction(1, 25)),
    "mpeg4 avi B": Kind("mpeg4b.avi", "mpeg4", {"g": "25", "bf": "2"}, unit=Fraction(1, 25)),
    "vp9 webm": Kind("vp9.webm", "libvpx-vp9", {"deadline": "realtime", "cpu-used": "8"}),
    "vp8 webm": Kind(
        "vp8.webm",
        "libvpx",
        {"deadline": "good", "cpu-used": "5", "auto-alt-ref": "1", "lag-in-frames": "12"},
    ),
    "av1 webm": Kind("av1.webm", "libsvtav1", {"preset": "8"}, unit=Fraction(1, 100)),
    "mjpeg mov": Kind("mjpeg.mov", "mjpeg", pix_fmt="yuvj420p"),
    "hevc mkv": Kind(
        "hevc.mkv", "libx265", {"x265-params": "log-level=none:keyint=30:bframes=3:pools=1"}
    ),
    "hevc mp4 10 bit": Kind(
        "hevc10.mp4",
        "libx265",
        {"x265-params": "log-level=none:keyint=20:pools=1"},
        pix_fmt="yuv420p10le",
    ),
    "mpeg2 ts": Kind("mpeg2.ts", "mpeg2video", {"g": "12", "bf": "2"}, unit=Fraction(1, 25)),
    "mpeg1 mpg": Kind("mpeg1.mpg", "mpeg1video", {"g": "12", "bf": "2"}, unit=Fraction(1, 25)),
    "h264 flv": Kind("h264.flv", "libx264", {"bf": "2", "g": "30"}),
    "gif": Kind("anim.gif", "gif", pix_fmt="rgb8", unit=Fraction(1, 100)),
}
EVEN = {"mpeg4 avi", "mpeg4 avi B", "mpeg2 ts", "mpeg1 mpg"}  # formats of a constant rate


def uneven(count: int, unit: Fraction) -> list[int]:
    """Times in units, from 0, with steps of 20 to 110 ms that all differ from their neighbours."""
    steps = (Fraction(20 + 30 * (i * 7 % 4), 1000) for i in range(count))
    at, times = Fraction(0), []
    for step in steps:
        times.append(round(at / unit))
        at += step
    return times


def picture(number: int) -> np.ndarray:
    """Frame `number`, uint8 [96, 128, 3]: red, green, white, blue on top, its bits below."""
    cells = np.zeros((ROWS, COLUMNS, 3), np.uint8)
    cells[0] = RED, GREEN, WHITE, BLUE
    for bit in range(BITS):
        cells[1 + bit // COLUMNS, bit % COLUMNS] = 235 if number >> bit & 1 else 20
    return cells.repeat(BLOCK, 0).repeat(BLOCK, 1)


def number(pixels: np.ndarray) -> int:
    """Read the number of a frame of any size; AssertionError if it is not upright."""
    height, width = pixels.shape[:2]
    y = ((np.arange(ROWS) + 0.5) * height / ROWS).astype(int)
    x = ((np.arange(COLUMNS) + 0.5) * width / COLUMNS).astype(int)
    cells = pixels[y][:, x].astype(int)
    for cell, colour in zip(cells[0], (RED, GREEN, WHITE, BLUE), strict=True):
        assert np.abs(cell - colour).max() < 75, f"{cell} is not {colour}"
    bits = cells[1:].mean(-1).ravel() > 128
    return int((bits << np.arange(BITS)).sum())


def make(
    folder: Path,
    kind: Kind,
    times: Sequence[int],
    *,
    rotation: int = 0,
    flip: bool = False,
    draw: Callable[[int], np.ndarray] = picture,
    options: dict[str, str] | None = None,
) -> Path:
    """Write a clip with frame i at `times[i]` units, stored with `rotation` degrees and `flip`."""
    path = folder / kind.name
    pictures = (turned(draw(i), rotation, flip) for i in range(len(times)))
    # In a separate thread: if run by root, SVT-AV1 gives the thread that opens it real-time
    # priority, which child processes would inherit.
    with ThreadPoolExecutor(1) as apart:
        apart.submit(_write, path, kind, times, pictures, (rotation, flip), options or {}).result()
    return path


def _write(
    path: Path,
    kind: Kind,
    times: Sequence[int],
    pictures: Iterator[np.ndarray],
    turn: tuple[int, bool],
    options: dict[str, str],
) -> None:
    first = next(pictures)
    with av.open(path, "w", options=options) as container:
        stream = container.add_stream(kind.codec, rate=1 / kind.unit, options=kind.options)
        stream.codec_context.time_base = kind.unit
        stream.time_base = kind.unit
        stream.height, stream.width = first.shape[:2]
        stream.pix_fmt = kind.pix_fmt
        stream.codec_context.thread_count = 1
        if not (kind.codec in {"libx264", "libx265", "gif"} or "lib" in kind.codec):
            stream.codec_context.qmin, stream.codec_context.qmax = 2, 4
        if any(turn):
            stream.set_display_rotation(turn[0], hflip=turn[1])
        for at, pixels in zip(times, chain([first], pictures), strict=True):
            frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
            frame.pts, frame.time_base = at, kind.unit
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def turned(pixels: np.ndarray, rotation: int, flip: bool = False) -> np.ndarray:
    """The stored pixels of a picture that is upright when turned by `rotation` (anticlockwise)."""
    if flip:
        pixels = pixels[:, ::-1]
    return np.ascontiguousarray(np.rot90(pixels, -rotation // 90))
