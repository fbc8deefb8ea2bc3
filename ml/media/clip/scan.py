"""A clip's frames and their times, read from its packets without decoding pictures."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
from av.container import InputContainer
from av.packet import Packet
from av.video.stream import VideoStream

from ml.media.clip.open import BrokenClip, ClipLimits, check_length, frames_of, opened, prepare

TRUSTED = {"mov", "matroska", "gif", "avi", "flv"}  # a packet is a frame, its time the frame's
FIRST_KEY_ONLY = {"gif", "apng"}  # later pictures are drawn over earlier ones, whatever they say
NO_PICTURES = "The clip holds no frames that can be shown: it is cut off or damaged."


@dataclass(frozen=True)
class Scan:
    """The frames of a clip.

    Attributes:
        pts: Presentation times in units of `unit` seconds, each once, ascending.
        unit: The time unit, in seconds.
        order: Each packet's time in decoding order; None for one that shows nothing.
        keys: For each packet, if decoding can begin there.
        last_seconds: How long the last frame is shown; 0 if the file does not say.
        trusted: True if times come from packets, false if all frames had to be decoded.
    """

    pts: list[int]
    unit: float
    order: list[int | None]
    keys: list[bool]
    last_seconds: float
    trusted: bool

    @property
    def times(self) -> npt.NDArray[np.float64]:
        """Presentation times in seconds from the first frame, ascending."""
        pts = np.asarray(self.pts, dtype=np.int64)
        return np.asarray((pts - pts[0]) * self.unit, dtype=np.float64)

    @property
    def seconds(self) -> float:
        """From the first frame's start to the last one's end."""
        if len(self.pts) < 2:
            return self.last_seconds
        span = (self.pts[-1] - self.pts[0]) * self.unit
        return span + (self.last_seconds or span / (len(self.pts) - 1))


def scan(path: Path, limits: ClipLimits) -> Scan:
    """Scan a clip; the last result is cached.

    Raises:
        NotAClip: The file is no clip.
        BrokenClip: It cannot be read.
        ClipTooLarge: It is longer, larger or more than allowed.
    """
    facts = path.stat()
    return _scan(path, facts.st_size, facts.st_mtime_ns, limits)


def forget() -> None:
    """Clear the cache of `scan`."""
    _scan.cache_clear()


@lru_cache(maxsize=1)
def _scan(path: Path, _size: int, _changed: int, limits: ClipLimits) -> Scan:
    with opened(path, limits) as (container, stream):
        scanned = _by_packets(container, stream, limits)
    if scanned.trusted and not scanned.pts:
        raise BrokenClip(NO_PICTURES)
    if not scanned.trusted:
        with opened(path, limits) as (container, stream):
            scanned = _by_decoding(container, stream, scanned, limits)
    return scanned


def _by_packets(container: InputContainer, stream: VideoStream, limits: ClipLimits) -> Scan:
    unit = float(stream.time_base or 0)
    name = container.format.name.split(",")[0]
    codec = stream.codec_context.name
    order: list[int | None] = []
    keys: list[bool] = []
    length = Length(unit, limits)
    duration = 0
    for packet in container.demux(stream):
        if packet.size == 0:
            continue
        shown = packet.pts if _is_shown(packet, codec) else None
        if shown is not None:
            length.add(shown)
            duration = packet.duration or 0 if shown == length.last else duration
        order.append(shown)
        keys.append(bool(packet.is_keyframe) and (codec not in FIRST_KEY_ONLY or not any(keys)))
    order = _from_first_key(order, keys)
    times = [pts for pts in order if pts is not None]
    unique = sorted(set(times))
    trusted = name in TRUSTED and unit > 0 and len(unique) == len(times) and bool(times)
    return Scan(unique, unit, order, keys, duration * unit, trusted)


def _is_shown(packet: Packet[VideoStream], codec: str) -> bool:
    """Return true if the packet shows a picture: VP8 has hidden ones, and edits cut some off."""
    if packet.is_discard:
        return False
    return codec != "vp8" or bool(bytes(packet)[0] & 0x10)


def _from_first_key(order: list[int | None], keys: list[bool]) -> list[int | None]:
    """Set to None what cannot be decoded: packets before the first key, and its leading pictures.

    Leading pictures are shown before the key picture but sent after it; they refer to ones that
    were cut.
    """
    first = keys.index(True) if True in keys else 0
    start = order[first] if order else None
    return [
        None if at < first or (pts is not None and start is not None and pts < start) else pts
        for at, pts in enumerate(order)
    ]


def _by_decoding(
    container: InputContainer, stream: VideoStream, scanned: Scan, limits: ClipLimits
) -> Scan:
    """Decode every frame, for containers that do not give exact times."""
    prepare(stream)
    unit = float(stream.time_base or 0)
    rate = stream.guessed_rate or stream.average_rate or 25
    step = max(1, round(1 / (float(rate) * unit))) if unit else 1
    length = Length(unit or 1.0, limits)
    pts: list[int] = []
    for frame in frames_of(container, stream):
        at = frame.pts if frame.pts is not None else (pts[-1] + step if pts else 0)
        if pts and at <= pts[-1]:
            at = pts[-1] + 1  # frames come in the order of showing, whatever their stamps say
        pts.append(at)
        length.add(at)
    if not pts:
        raise BrokenClip(NO_PICTURES)
    return Scan(pts, unit, [], [], scanned.last_seconds, trusted=False)


class Length:
    """Counts frames and their duration, and checks both against the limits."""

    def __init__(self, unit: float, limits: ClipLimits) -> None:
        self._unit = unit
        self._limits = limits
        self._count = 0
        self.first: int | None = None
        self.last = 0

    def add(self, pts: int) -> None:
        """Count one frame; raise ClipTooLarge if that is too many or too long."""
        self.first = pts if self.first is None else min(self.first, pts)
        self.last = pts if self._count == 0 else max(self.last, pts)
        self._count += 1
        check_length((self.last - self.first) * self._unit, self._count, self._limits)
