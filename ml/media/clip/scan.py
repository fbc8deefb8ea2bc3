"""A clip's frames and their times: by its packets where these can be believed, else by decoding.

This is the one reader of times: what is sampled, the timeline and the playable copy use them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import islice, pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt
from av.packet import Packet
from av.video.stream import VideoStream

from ml.media.clip.clock import contradicts, counted, mended, usual_step
from ml.media.clip.open import (
    BrokenClip,
    ClipLimits,
    check_count,
    check_seconds,
    opened,
    pictures_of,
    prepare,
)
from ml.media.clip.source import Source

TIMED = {"mov", "matroska", "gif", "flv"}  # every packet is a frame, with the time it is shown at
UNTIMED = {"avi"}  # packets have their order only
DISCONTINUOUS = {"mpegts", "mpeg"}  # their clock may start anew wherever parts were joined
LEAP_S = 10.0  # a longer step of such a clock is a jump
CHECKED = 16  # frames decoded to see if they come in the order of their times
FIRST_KEY_ONLY = {"gif", "apng"}  # later pictures are drawn over earlier ones, whatever they say
NO_PICTURES = "The clip holds no frames that can be shown: it is cut off or damaged."


@dataclass(frozen=True)
class Scan:
    """The frames of a clip, in the order of showing.

    Attributes:
        pts: What each is known by when it is decoded, each once: its packet's time.
        ticks: When each is shown, in units of `unit` seconds, ascending.
        unit: The time unit, in seconds.
        order: Each packet's time in decoding order; None for one that shows nothing.
        keys: For each packet, if decoding can begin there.
        last_seconds: How long the last frame is shown; 0 if the file does not say.
        trusted: True if frames are known by their packets' times, false if they are numbered as
            they are decoded.
        jumps: How often the file's clock jumped.
        counted: True if the file's times contradict the order of its frames.
        unread: Packets that were found not to be whole, or damaged if all were decoded.
        missing_s: By how much the pictures end before the file says that they do, in seconds.
    """

    pts: list[int]
    ticks: list[int]
    unit: float
    order: list[int | None]
    keys: list[bool]
    last_seconds: float
    trusted: bool
    jumps: int = 0
    counted: bool = False
    unread: int = 0
    missing_s: float = 0.0

    @property
    def times(self) -> npt.NDArray[np.float64]:
        """Times in seconds from the first frame, ascending."""
        ticks = np.asarray(self.ticks, dtype=np.int64)
        return np.asarray((ticks - ticks[0]) * self.unit, dtype=np.float64)

    @property
    def seconds(self) -> float:
        """From the first frame's start to the last one's end."""
        if len(self.ticks) < 2:
            return self.last_seconds
        span = (self.ticks[-1] - self.ticks[0]) * self.unit
        return span + (self.last_seconds or span / (len(self.ticks) - 1))

    @property
    def as_stored(self) -> bool:
        """True if the times are the file's own, from its clock's 0, as any player takes them."""
        own = self.trusted and self.ticks == self.pts and not self.jumps
        return own and abs(self.pts[0] * self.unit) < 0.005


@dataclass(frozen=True)
class Packets:
    """What the packets say: for each its time, and whether decoding can begin there."""

    shown: list[int | None]
    sent: list[int | None]
    keys: list[bool]
    last: int  # how long the last frame is shown, in units

    @property
    def times(self) -> list[int]:
        """The times of packets that show a frame, in the order of decoding."""
        return [pts for pts in self.shown if pts is not None]


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
    with opened(path, limits) as source:
        packets = _packets(source, limits)
        scanned = _by_packets(source, packets, limits)
        believed = scanned is not None and _believed(source, packets)
        doubted = believed and source.reorders and _ascending(packets.times)
        said = _said_seconds(source)
    if doubted:
        with opened(path, limits) as source:
            believed = _in_order(source)
    if scanned is None or not believed:
        with opened(path, limits) as source:
            scanned = _by_decoding(source, packets, scanned, limits)
    check_seconds(scanned.seconds, limits)
    missing = said - scanned.seconds if said and not scanned.jumps else 0.0
    step = usual_step(scanned.ticks) * scanned.unit
    return replace(scanned, missing_s=missing if missing > 0.75 * step else 0.0)


def _packets(source: Source, limits: ClipLimits) -> Packets:
    shown: list[int | None] = []
    sent: list[int | None] = []
    keys: list[bool] = []
    latest, duration, count = 0, 0, 0
    for packet in source.packets():
        if packet.size == 0:
            continue
        pts = packet.pts if _is_shown(packet, source.codec) else None
        if pts is not None:
            count += 1
            if count == 1 or pts > latest:
                latest, duration = pts, packet.duration or 0
        if source.format in TIMED:
            check_count(count, limits)
        first = source.codec not in FIRST_KEY_ONLY or not any(keys)
        shown.append(pts)
        sent.append(packet.dts)
        keys.append(bool(packet.is_keyframe) and first)
    return Packets(_from_first_key(shown, keys), sent, keys, duration)


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
    end = next((at for at in range(first + 1, len(keys)) if keys[at]), len(keys))
    return [
        None if at < first or (at < end and pts is not None and start is not None and pts < start)
        else pts
        for at, pts in enumerate(order)
    ]  # fmt: skip


def _by_packets(source: Source, packets: Packets, limits: ClipLimits) -> Scan | None:
    """Return the frames as the packets have them; None if these give no times."""
    unique = sorted(set(packets.times))
    if not unique or source.unit <= 0:
        return None
    ticks, jumps = mended(unique, _longest_step(source, limits))
    last = packets.last * source.unit
    scanned = Scan(
        pts=unique,
        ticks=ticks,
        unit=source.unit,
        order=packets.shown,
        keys=packets.keys,
        last_seconds=last,
        trusted=True,
        jumps=jumps,
        unread=source.unread,
    )
    if len(packets.times) == len(unique):  # joined parts hide each other's times: no less is shown
        check_seconds(scanned.seconds, limits)
    return scanned


def _longest_step(source: Source, limits: ClipLimits) -> int:
    """Return the longest step of the clock that is none of its jumps, in units."""
    seconds = LEAP_S if source.format in DISCONTINUOUS else limits.seconds
    return round(seconds / (source.unit or 1.0))


def _believed(source: Source, packets: Packets) -> bool:
    """Return true if every frame has a time of its own, and the clock never starts anew."""
    times = packets.times
    starts = [
        pts for pts, key in zip(packets.shown, packets.keys, strict=True) if key and pts is not None
    ]
    return source.format in TIMED and len(set(times)) == len(times) and _ascending(starts)


def _ascending(values: Sequence[int]) -> bool:
    return all(a < b for a, b in pairwise(values))


def _in_order(source: Source) -> bool:
    """Return true if the first frames come out of the decoder in the order of their times.

    Nothing else shows it: a file copied from an AVI has the times of decoding, under any name.
    """
    prepare(source)
    found = [picture.frame.pts for picture in islice(pictures_of(source), CHECKED)]
    return None not in found and _ascending([pts for pts in found if pts is not None])


def _by_decoding(
    source: Source, packets: Packets, scanned: Scan | None, limits: ClipLimits
) -> Scan:
    """Decode every frame: the order in which they come is the truth."""
    prepare(source)
    stamps: list[int | None] = []
    numbers: list[int] = []
    for picture in pictures_of(source):
        stamps.append(picture.frame.pts)
        numbers.append(picture.packet)
        check_count(len(stamps), limits)
    if not stamps:
        raise BrokenClip(NO_PICTURES)
    unit, most = source.unit or 1.0, _longest_step(source, limits)
    wrong = contradicts(stamps)
    if wrong or source.format in UNTIMED:
        step = usual_step(packets.sent) if _has_steps(packets.sent) else _rate_step(source)
        ticks, jumps = mended(counted(numbers, packets.sent, step), most)
        last = usual_step(ticks) * unit if len(ticks) > 1 else step * unit
    else:
        ticks, jumps = mended(stamps, most)
        last = packets.last * unit
    known = scanned is not None and stamps == scanned.pts
    return Scan(
        pts=scanned.pts if known and scanned else ticks,
        ticks=ticks,
        unit=unit,
        order=packets.shown if known else [],
        keys=packets.keys if known else [],
        last_seconds=last,
        trusted=known,
        jumps=jumps,
        counted=wrong,
        unread=source.unread,
    )


def _has_steps(ticks: Sequence[int | None]) -> bool:
    return len({tick for tick in ticks if tick is not None}) > 1


def _rate_step(source: Source) -> int:
    rate = float(source.stream.guessed_rate or source.stream.average_rate or 25)
    return max(1, round(1 / (rate * source.unit))) if source.unit else 1


def _said_seconds(source: Source) -> float:
    """Return how long the file says its pictures last; 0 where that is only an estimate."""
    stream, container = source.stream, source.container
    if source.format in UNTIMED:
        return stream.frames * source.unit
    if source.format not in TIMED:
        return 0.0
    if stream.duration and stream.time_base:
        return float(stream.duration * stream.time_base)
    start = (stream.start_time or 0) * source.unit
    if clock := re.fullmatch(r"(\d+):(\d+):(\d+\.?\d*)", stream.metadata.get("DURATION", "")):
        hours, minutes, seconds = map(float, clock.groups())
        return 3600 * hours + 60 * minutes + seconds - start
    if len(container.streams) == 1 and container.duration:
        return container.duration / 1_000_000 - max(0.0, start)
    return 0.0
