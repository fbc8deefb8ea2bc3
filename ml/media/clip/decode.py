"""Decoding: only the groups of pictures that hold a wanted frame, only those frames converted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt
from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from ml.media.clip.open import BrokenClip, ClipLimits, frames_of, opened, prepare
from ml.media.clip.pixels import Converter
from ml.media.clip.scan import Scan, scan

# Their unreferenced pictures are referred to by none, so unwanted ones need not be decoded. Not
# HEVC: there a picture that its own layer does not refer to may be one that another layer does.
SKIPPABLE = {"h264", "mpeg4", "mpeg1video", "mpeg2video", "msmpeg4v2", "msmpeg4v3", "h263"}


@dataclass(frozen=True)
class DecodePlan:
    """Which packets of a clip to decode for the frames that are wanted."""

    pts: frozenset[int]
    needed: tuple[bool, ...]  # by packet, in the order of decoding; empty: all
    last: int  # the packet after which nothing more is wanted


def squares(
    path: Path, indices: Sequence[int], size: int, limits: ClipLimits
) -> Iterator[tuple[int, npt.NDArray[np.uint8]]]:
    """Give frames by their number in the order of showing, as they are decoded.

    Yields (place in `indices`, uint8 [size, size, 3]): the whole picture, upright, squashed to the
    square. Raises NotAClip, BrokenClip or ClipTooLarge; IndexError for a frame that the clip does
    not have.
    """
    found = scan(path, limits)
    places: dict[int, list[int]] = {}
    for place, index in enumerate(indices):
        places.setdefault(found.pts[index], []).append(place)
    convert = Converter(size, size)
    tries = [found]
    if found.trusted:  # once more from the start: an index may say what is not so
        tries.append(Scan(found.pts, found.unit, [], [], found.last_seconds, trusted=True))
    for way in tries:
        if not places:
            return
        for pts, pixels in _decode(path, way, set(places), limits, convert):
            for place in places.pop(pts):
                yield place, pixels
    if places:
        at = (min(places) - found.pts[0]) * found.unit
        raise BrokenClip(
            f"The clip is damaged at {at:.2f} s: the frame there could not be read. Choose another "
            "part of it, or save it anew and send that."
        )


def _decode(
    path: Path, found: Scan, wanted: set[int], limits: ClipLimits, convert: Converter
) -> Iterator[tuple[int, npt.NDArray[np.uint8]]]:
    with opened(path, limits) as (container, stream):
        prepare(stream)
        source = (
            _needed(container, stream, decode_plan(found, wanted))
            if found.order
            else _numbered(container, stream, found)
        )
        for pts, frame in source:
            if pts in wanted:
                convert.check(frame, limits)
                yield pts, convert.array(frame)
                wanted = wanted - {pts}
            if not wanted:
                return


def decode_plan(found: Scan, wanted: set[int]) -> DecodePlan:
    """Say which packets to decode: from the key picture before each wanted frame up to it."""
    needed = [False] * len(found.order)
    last = 0
    keys: list[int] = []
    for at, pts in enumerate(found.order):
        if found.keys[at]:
            keys.append(at)
        if pts is None or pts not in wanted:
            continue
        start = next((key for key in reversed(keys) if _begins(found.order[key], pts)), 0)
        needed[start : at + 1] = [True] * (at + 1 - start)
        last = at
    return DecodePlan(frozenset(wanted), tuple(needed), last)


def _begins(key: int | None, pts: int) -> bool:
    """Whether a frame can be decoded from this key: it is no leading picture of it."""
    return key is not None and key <= pts


def _needed(
    container: InputContainer, stream: VideoStream, plan: DecodePlan
) -> Iterator[tuple[int, VideoFrame]]:
    context = stream.codec_context
    skippable = context.name in SKIPPABLE
    at, inside = -1, False
    for packet in container.demux(stream):
        if packet.size == 0:
            continue
        at += 1
        if at > plan.last:
            break
        if plan.needed[at]:
            inside = True
            if skippable:
                context.skip_frame = "DEFAULT" if packet.pts in plan.pts else "NONREF"
            yield from _shown(stream, packet)
        elif inside:
            yield from _drained(stream)
            inside = False
    yield from _drained(stream)


def _shown(
    stream: VideoStream, packet: av.Packet[VideoStream] | None
) -> Iterator[tuple[int, VideoFrame]]:
    try:
        for frame in stream.decode(packet):
            if frame.pts is not None:
                yield frame.pts, frame
    except av.error.InvalidDataError:
        return  # a wanted frame that is damaged is missed at the end


def _drained(stream: VideoStream) -> Iterator[tuple[int, VideoFrame]]:
    """Take out what the decoder still holds, and make it forget the rest."""
    yield from _shown(stream, None)
    stream.codec_context.flush_buffers()


def _numbered(
    container: InputContainer, stream: VideoStream, found: Scan
) -> Iterator[tuple[int, VideoFrame]]:
    """Decode all, and count."""
    if found.trusted:
        yield from ((f.pts, f) for f in frames_of(container, stream) if f.pts is not None)
    else:
        yield from zip(found.pts, frames_of(container, stream), strict=False)
