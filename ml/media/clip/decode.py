"""Decoding some frames of a clip: only groups of pictures that hold one, converting only those."""

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

from ml.media.clip.open import BrokenClip, ClipLimits, check_size, frames_of, opened, prepare
from ml.media.clip.pixels import Converter
from ml.media.clip.scan import Scan, scan

# Codecs whose NONREF pictures no other refers to, so that they can be skipped. Not HEVC: there a
# picture that its own layer does not refer to may be one that another layer does.
SKIPPABLE = {"h264", "mpeg4", "mpeg1video", "mpeg2video", "msmpeg4v2", "msmpeg4v3", "h263"}


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
    height. Raises NotAClip, BrokenClip or ClipTooLarge; IndexError for a frame that the clip does
    not have.
    """
    scanned = scan(path, limits)
    places: dict[int, list[int]] = {}
    for place, index in enumerate(indices):
        places.setdefault(scanned.pts[index], []).append(place)
    convert = Converter(*size)
    tries = [scanned]
    if scanned.trusted:  # then decode from the start: the file's index may be wrong
        tries.append(Scan(scanned.pts, scanned.unit, [], [], scanned.last_seconds, trusted=True))
    for way in tries:
        if not places:
            return
        for pts, pixels in _decode(path, way, set(places), limits, convert):
            for place in places.pop(pts):
                yield place, pixels
    if places:
        at = (min(places) - scanned.pts[0]) * scanned.unit
        raise BrokenClip(
            f"The clip is damaged at {at:.2f} s: the frame there could not be read. Choose another "
            "part of it, or save it anew and send that."
        )


def _decode(
    path: Path, scanned: Scan, wanted: set[int], limits: ClipLimits, convert: Converter
) -> Iterator[tuple[int, npt.NDArray[np.uint8]]]:
    with opened(path, limits) as (container, stream):
        prepare(stream)
        source = (
            _needed(container, stream, decode_plan(scanned, wanted))
            if scanned.order
            else _numbered(container, stream, scanned)
        )
        for pts, frame in source:
            if pts in wanted:
                check_size(frame.width, frame.height, limits)  # the header may have lied
                yield pts, convert.array(frame)
                wanted = wanted - {pts}
            if not wanted:
                return


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
        return  # `scaled` reports a damaged frame as missing


def _drained(stream: VideoStream) -> Iterator[tuple[int, VideoFrame]]:
    """Yield the frames that the decoder still holds, and reset it."""
    yield from _shown(stream, None)
    stream.codec_context.flush_buffers()


def _numbered(
    container: InputContainer, stream: VideoStream, scanned: Scan
) -> Iterator[tuple[int, VideoFrame]]:
    """Decode every frame; without trusted times, number them."""
    if scanned.trusted:
        yield from ((f.pts, f) for f in frames_of(container, stream) if f.pts is not None)
    else:
        yield from zip(scanned.pts, frames_of(container, stream), strict=False)
