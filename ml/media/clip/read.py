"""Reading a clip: the file's facts, its frames' times, and some frames as networks see them.

PyAV (FFmpeg) does the decoding. Whatever the file is, pixels are 8-bit RGB, upright (the display
matrix is honoured), and a frame is known by its number in the order of showing; its time is the
clip's own, at whatever rate, counted from the first frame.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from ml.media.clip.decode import scaled
from ml.media.clip.open import (
    BrokenClip,
    ClipLimits,
    check_size,
    frames_of,
    opened,
    prepare,
)
from ml.media.clip.pixels import jpeg, shown_size
from ml.media.clip.scan import NO_PICTURES, Scan, scan
from ml.media.signature import HEAD

POSTER_SIDE = 1600
CHECKED_PIXELS = 300_000_000  # decoded at most, to see if a clip is whole
UNEVEN, FEW = 0.2, 0.05  # variable rate: over FEW of the steps differ by UNEVEN from the median
KINDS = {
    "matroska": ("MKV", "video/x-matroska"),
    "avi": ("AVI", "video/x-msvideo"),
    "mpeg": ("MPEG", "video/mpeg"),
    "mpegts": ("MPEG-TS", "video/mp2t"),
    "flv": ("FLV", "video/x-flv"),
    "asf": ("WMV", "video/x-ms-wmv"),
    "ogg": ("OGG", "video/ogg"),
    "gif": ("GIF", "image/gif"),
}
PLAYED = {  # what Chromium, Firefox and Safari play, by file format
    "MP4": {"h264", "av1", "vp9"},
    "MOV": {"h264"},
    "WEBM": {"vp8", "vp9", "av1"},
}
PLAIN = {"yuv420p", "yuvj420p"}


@dataclass(frozen=True)
class ClipFacts:
    """Facts about a clip; width and height in pixels as shown: upright, with square pixels.

    `fps` is the average rate, 0 for one frame; `playable`: browsers play the file as it is.
    """

    format: str
    content_type: str
    codec: str
    width: int
    height: int
    frames: int
    fps: float
    duration_s: float
    playable: bool
    note: str | None


def inspect(path: Path, limits: ClipLimits | None = None) -> tuple[ClipFacts, bytes]:
    """Check a clip for damage; return its facts, and a JPEG of at most 1600 px from its middle.

    All frames of a small clip are decoded, and the first 300 million pixels of a large one.
    Raises NotAClip, BrokenClip or ClipTooLarge, each with a sentence that says what to do.
    """
    limits = limits or ClipLimits()
    scanned = scan(path, limits)
    with opened(path, limits) as (container, stream):
        poster = _poster(container, stream, scanned, limits)
        aspect = float(stream.sample_aspect_ratio or 1)
        size = shown_size(poster, aspect)
        facts = _facts(path, container, stream, scanned, size)
    return facts, jpeg(poster, size, POSTER_SIDE)


def thumbnail(path: Path, side: int, limits: ClipLimits | None = None) -> bytes:
    """Return the frame in the middle as a JPEG of at most `side` px. Raises as `inspect`."""
    limits = limits or ClipLimits()
    scanned = scan(path, limits)
    with opened(path, limits) as (container, stream):
        poster = _poster(container, stream, scanned, limits)
        size = shown_size(poster, float(stream.sample_aspect_ratio or 1))
    return jpeg(poster, size, side)


def shown(path: Path, limits: ClipLimits | None = None) -> tuple[int, int]:
    """Return the width and height of the first frame, in pixels as shown. Raises as `inspect`."""
    with opened(path, limits or ClipLimits()) as (container, stream):
        prepare(stream)
        for frame in frames_of(container, stream):
            return shown_size(frame, float(stream.sample_aspect_ratio or 1))
    raise BrokenClip(NO_PICTURES)


def times(path: Path, limits: ClipLimits | None = None) -> npt.NDArray[np.float64]:
    """Return when each frame is shown, float64 [frames], s from the first. Raises as `inspect`."""
    return scan(path, limits or ClipLimits()).times


def frames(
    path: Path,
    indices: Sequence[int],
    size: int | tuple[int, int],
    limits: ClipLimits | None = None,
) -> npt.NDArray[np.uint8]:
    """Return the frames of these numbers, whole, uint8 [N, h, w, 3].

    `size` is their width and height, or the side of the square that they are squashed to.
    Raises as `inspect` does, and IndexError for a number beyond the clip's frames.
    """
    width, height = (size, size) if isinstance(size, int) else size
    array = np.empty((len(indices), height, width, 3), np.uint8)
    for place, pixels in scaled(path, indices, (width, height), limits or ClipLimits()):
        array[place] = pixels
    return array


def _poster(
    container: InputContainer, stream: VideoStream, scanned: Scan, limits: ClipLimits
) -> VideoFrame:
    """Decode up to a budget and return the middle frame, or the last one before it.

    Raises BrokenClip if frames are missing that the file promises.
    """
    prepare(stream)
    middle: VideoFrame | None = None
    count = 0
    pixels = 0
    for frame in frames_of(container, stream):
        check_size(frame.width, frame.height, limits)
        if middle is None or count <= len(scanned.pts) // 2:
            middle = frame
        count += 1
        pixels += frame.width * frame.height
        if pixels > CHECKED_PIXELS:
            break
    if middle is None:
        raise BrokenClip(NO_PICTURES)
    if pixels <= CHECKED_PIXELS and count < len(scanned.pts):
        raise BrokenClip(
            f"The clip is damaged: of its {len(scanned.pts):,} frames only {count:,} can be read. "
            "Save or send it once more."
        )
    return middle


def _facts(
    path: Path,
    container: InputContainer,
    stream: VideoStream,
    scanned: Scan,
    size: tuple[int, int],
) -> ClipFacts:
    kind, content_type = _kind(path, container)
    codec = stream.codec_context.name
    count = len(scanned.pts)
    span = float(scanned.times[-1])
    playable = (
        codec in PLAYED.get(kind, ())
        and stream.codec_context.pix_fmt in PLAIN
        and _starts_with_the_file(container, scanned)
    )
    return ClipFacts(
        format=kind,
        content_type=content_type,
        codec=codec,
        width=size[0],
        height=size[1],
        frames=count,
        fps=round((count - 1) / span, 4) if span else 0.0,
        duration_s=round(scanned.seconds, 6),
        playable=playable,
        note=_note(scanned),
    )


def _kind(path: Path, container: InputContainer) -> tuple[str, str]:
    name = container.format.name.split(",")[0]
    with path.open("rb") as file:
        head = file.read(HEAD)
    if name == "matroska" and b"webm" in head[:64]:
        return "WEBM", "video/webm"
    if name == "mov":
        return ("MOV", "video/quicktime") if head[8:12] == b"qt  " else ("MP4", "video/mp4")
    return KINDS[name]


def _starts_with_the_file(container: InputContainer, scanned: Scan) -> bool:
    """Return true if a player's clock is at 0 at the first frame; sound may begin earlier."""
    first = scanned.pts[0] * scanned.unit
    return abs(first - (container.start_time or 0) / 1_000_000) < 0.02


def _note(scanned: Scan) -> str | None:
    if len(scanned.pts) == 1:
        return "The clip has one frame: it shows no motion."
    steps = np.diff(scanned.times)
    usual = float(np.median(steps))
    if float((np.abs(steps - usual) > UNEVEN * usual).mean()) > FEW:
        return "The clip has a variable frame rate: every time given is the frame's own."
    return None
