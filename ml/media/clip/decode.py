"""Decoding some frames of a clip: only groups of pictures that hold one, converting only those."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt
from av.video.stream import VideoStream

from ml.media.clip.open import BrokenClip, ClipLimits, check_size, opened, pictures_of, prepare
from ml.media.clip.pixels import Converter
from ml.media.clip.scan import Scan, scan
from ml.media.clip.source import Picture, Source

# Codecs whose NONREF pictures no other refers to, so that they can be skipped. Not HEVC: there a
# picture that its own layer does not refer to may be one that another layer does.
SKIPPABLE = {"h264", "mpeg4", "mpeg1video", "mpeg2video", "msmpeg4v2", "msmpeg4v3", "h263"}

CHECKED_PIXELS = 300_000_000  # decoded at most, when a clip arrives, to see if it is whole


@dataclass(frozen=True)
class DecodePlan:
    """Which packets of a clip to decode for the frames that are wanted."""

    pts: frozenset[int]
    needed: tuple[bool, ...]  # by packet, in the order of decoding; empty: all
    last: int  # the packet after which nothing more is wanted


def scaled(
    path: Path, indices: Sequence[int], size: tuple[int, int], limits: ClipLimits
) -> Iterator[tuple[int, npt.NDArray[np.uint8]]]:
    """Yield frames by their number in presentation order, as they are decoded.

    Yields (place in `indices`, uint8 [h, w, 3]): the whole picture, upright, at this width and
    height. For a frame that `inspect` has found to be damaged, and has told of, the one before it
    is shown, as players do. Raises NotAClip, BrokenClip or ClipTooLarge; IndexError for a frame
    that the clip does not have.
    """
    scanned = scan(path, limits)
    places: dict[int, list[int]] = {}
    for place, index in enumerate(indices):
        places.setdefault(scanned.pts[index], []).append(place)
    known = [_planned, _all, _stand_ins]  # in turn: the file's index may be wrong, or a frame lost
    for way in known if scanned.trusted else [_numbered]:
        if not places:
            return
        with opened(path, limits) as source:
            prepare(source)
            convert = Converter(*size, source.shape)
            for pts, picture in way(source, scanned, set(places)):
                check_size(picture.frame.width, picture.frame.height, limits)  # of the header's lie
                pixels = convert.array(picture)
                for place in places.pop(pts):
                    yield place, pixels
    if places:
        number = scanned.pts.index(min(places))
        raise BrokenClip(
            f"The clip is damaged at {scanned.times[number]:.2f} s: the frame there could not be "
            "read. Choose another part of it, or save it anew and send that."
        )


def middle(path: Path, scanned: Scan, limits: ClipLimits) -> Picture | None:
    """Return the frame in the middle; None if it cannot be read."""
    pts = scanned.pts[len(scanned.pts) // 2]
    with opened(path, limits) as source:
        prepare(source)
        way = _planned if scanned.trusted else _numbered
        return next((picture for _, picture in way(source, scanned, {pts})), None)


def _planned(source: Source, scanned: Scan, wanted: set[int]) -> Iterator[tuple[int, Picture]]:
    """Yield the wanted frames, decoding only what they need."""
    plan = decode_plan(scanned, wanted)
    return _only(wanted, _needed(source, plan))


def _all(source: Source, _: Scan, wanted: set[int]) -> Iterator[tuple[int, Picture]]:
    """Yield the wanted frames, decoding from the start."""
    return _only(wanted, _stamped(pictures_of(source)))


def _numbered(source: Source, scanned: Scan, wanted: set[int]) -> Iterator[tuple[int, Picture]]:
    """Yield the wanted frames by counting."""
    return _only(wanted, zip(scanned.pts, pictures_of(source), strict=False))


def _stand_ins(source: Source, scanned: Scan, wanted: set[int]) -> Iterator[tuple[int, Picture]]:
    """Yield for each wanted frame, none of which can be read, the one before it (or after)."""
    size = source.context.width * source.context.height
    told = [pts for at, pts in enumerate(scanned.pts) if (at + 1) * size <= CHECKED_PIXELS]
    waiting = sorted(wanted & set(told))
    before: Picture | None = None
    for pts, picture in _stamped(pictures_of(source)):
        while waiting and waiting[0] < pts:
            yield waiting.pop(0), before or picture
        if not waiting:
            return
        before = picture
    for pts in waiting:
        if before is not None:
            yield pts, before


def _only(
    wanted: set[int], pictures: Iterable[tuple[int, Picture]]
) -> Iterator[tuple[int, Picture]]:
    left = set(wanted)
    for pts, picture in pictures:
        if pts in left:
            left.remove(pts)
            yield pts, picture
        if not left:
            return


def _stamped(pictures: Iterable[Picture]) -> Iterator[tuple[int, Picture]]:
    return ((p.frame.pts, p) for p in pictures if p.frame.pts is not None)


def decode_plan(scanned: Scan, wanted: set[int]) -> DecodePlan:
    """Return which packets to decode: from the key picture before each wanted frame up to it."""
    needed = [False] * len(scanned.order)
    last = 0
    keys: list[int] = []
    for at, pts in enumerate(scanned.order):
        if scanned.keys[at]:
            keys.append(at)
        if pts is None or pts not in wanted:
            continue
        start = next((key for key in reversed(keys) if _begins(scanned.order[key], pts)), 0)
        needed[start : at + 1] = [True] * (at + 1 - start)
        last = at
    return DecodePlan(frozenset(wanted), tuple(needed), last)


def _begins(key: int | None, pts: int) -> bool:
    """Return true if a frame can be decoded from this key: it is no leading picture of it."""
    return key is not None and key <= pts


def _needed(source: Source, plan: DecodePlan) -> Iterator[tuple[int, Picture]]:
    context = source.context
    skippable = context.name in SKIPPABLE
    at, inside = -1, False
    for packet in source.packets():
        if packet.size == 0:
            continue
        at += 1
        if at > plan.last:
            break
        if plan.needed[at]:
            inside = True
            if skippable:
                context.skip_frame = "DEFAULT" if packet.pts in plan.pts else "NONREF"
            yield from _shown(source, packet)
        elif inside:
            yield from _drained(source)
            inside = False
    yield from _drained(source)


def _shown(source: Source, packet: av.Packet[VideoStream] | None) -> Iterator[tuple[int, Picture]]:
    try:
        yield from _stamped(source.decode(packet))
    except av.error.InvalidDataError:
        return  # `scaled` reports a damaged frame as missing


def _drained(source: Source) -> Iterator[tuple[int, Picture]]:
    """Yield the frames that the decoder still holds, and reset it."""
    yield from _shown(source, None)
    source.context.flush_buffers()
