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

from ml.media.clip.colours import HDR
from ml.media.clip.decode import CHECKED_PIXELS, scaled
from ml.media.clip.notes import Seen, note
from ml.media.clip.open import (
    BrokenClip,
    ClipLimits,
    check_size,
    opened,
    pictures_of,
    prepare,
)
from ml.media.clip.pixels import deforms, is_transparent, jpeg, shown_size
from ml.media.clip.scan import NO_PICTURES, Scan, scan
from ml.media.clip.source import Picture, Source
from ml.media.signature import HEAD

POSTER_SIDE = 1600
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
    with opened(path, limits) as source:
        poster, seen = _looked_at(source, scanned, limits)
        size = shown_size(poster, source.shape)
        facts = _facts(path, source, scanned, size, seen)
        return facts, jpeg(poster, size, POSTER_SIDE, source.shape)


def thumbnail(path: Path, side: int, limits: ClipLimits | None = None) -> bytes:
    """Return the frame in the middle as a JPEG of at most `side` px. Raises as `inspect`."""
    limits = limits or ClipLimits()
    scanned = scan(path, limits)
    with opened(path, limits) as source:
        poster, _ = _looked_at(source, scanned, limits)
        return jpeg(poster, shown_size(poster, source.shape), side, source.shape)


def shown(path: Path, limits: ClipLimits | None = None) -> tuple[int, int]:
    """Return the width and height of the first frame, in pixels as shown. Raises as `inspect`."""
    with opened(path, limits or ClipLimits()) as source:
        prepare(source)
        for picture in pictures_of(source):
            return shown_size(picture, source.shape)
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


def _looked_at(source: Source, scanned: Scan, limits: ClipLimits) -> tuple[Picture, Seen]:
    """Decode up to a budget; return the middle frame, or the last one before it, and what is seen.

    Raises BrokenClip if most frames are missing that the file promises.
    """
    prepare(source)
    known = set(scanned.pts)
    poster: Picture | None = None
    count = pixels = 0
    transparent = reshaped = False
    for picture in pictures_of(source):
        frame = picture.frame
        if scanned.trusted and frame.pts not in known:
            continue
        check_size(frame.width, frame.height, limits)
        if poster is None or count <= len(scanned.pts) // 2:
            poster = picture
        transparent = transparent or is_transparent(picture)
        reshaped = reshaped or deforms(picture, source.shape)
        count += 1
        pixels += frame.width * frame.height
        if pixels > CHECKED_PIXELS:
            break
    if poster is None:
        raise BrokenClip(NO_PICTURES)
    held = len(scanned.pts) - count if scanned.trusted and pixels <= CHECKED_PIXELS else 0
    if held + scanned.unread > count:
        raise BrokenClip(
            f"The clip is damaged: of its {count + held + scanned.unread:,} frames only {count:,} "
            "can be read. Save or send it once more."
        )
    hdr = HDR.get(poster.frame.color_trc)
    return poster, Seen(held, transparent, reshaped, hdr)


def _facts(
    path: Path, source: Source, scanned: Scan, size: tuple[int, int], seen: Seen
) -> ClipFacts:
    kind, content_type = _kind(path, source)
    count = len(scanned.pts)
    span = float(scanned.times[-1])
    return ClipFacts(
        format=kind,
        content_type=content_type,
        codec=source.codec,
        width=size[0],
        height=size[1],
        frames=count,
        fps=round((count - 1) / span, 4) if span else 0.0,
        duration_s=round(scanned.seconds, 6),
        playable=_plays(kind, source, scanned, seen),
        note=note(source, scanned, seen),
    )


def _plays(kind: str, source: Source, scanned: Scan, seen: Seen) -> bool:
    """Return true if browsers play the file, and show what is read here, at the same times."""
    plain = source.codec in PLAYED.get(kind, ()) and source.context.pix_fmt in PLAIN
    odd = (
        scanned.unread
        or seen.held
        or seen.reshaped
        or seen.transparent
        or seen.hdr
        or source.tracks > 1
    )
    return plain and not odd and scanned.as_stored


def _kind(path: Path, source: Source) -> tuple[str, str]:
    with path.open("rb") as file:
        head = file.read(HEAD)
    if source.format == "matroska" and b"webm" in head[:64]:
        return "WEBM", "video/webm"
    if source.format == "mov":
        return ("MOV", "video/quicktime") if head[8:12] == b"qt  " else ("MP4", "video/mp4")
    return KINDS[source.format]
