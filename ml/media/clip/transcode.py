"""A copy of a clip that every browser plays: MP4, H.264, 8 bits, upright, without sound."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import av
import numpy as np
from av.container import OutputContainer
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from ml.media.clip.decode import middle
from ml.media.clip.open import BrokenClip, ClipLimits, check_size, opened, pictures_of, prepare
from ml.media.clip.pixels import Converter, shown_size
from ml.media.clip.scan import NO_PICTURES, Scan, scan
from ml.media.clip.source import Picture, Source

LONGEST_SIDE = 1280
BUFFER = 1 << 20
MOOV_BYTES, MOOV_FRAME_BYTES = 16_384, 40  # kept free for the index, which comes first in the file
BT709, LIMITED = 1, 1  # FFmpeg's numbers
OPTIONS = {
    "preset": "veryfast",
    "crf": "23",
    "g": "12",  # a key frame twice a second or so: stepping and scrubbing must be quick
    "bf": "0",  # so that the first frame is at 0, without an edit list
    "maxrate": "8M",
    "bufsize": "16M",
}

Write = Callable[[int, bytes, float], None]


def playable_copy(path: Path, write: Write, limits: ClipLimits | None = None) -> None:
    """Make the copy: at most 1280 px wide or high, with square pixels.

    Frames keep their times, from 0; damaged ones are left out. The index comes before the pictures,
    so that a player can start at once.

    Args:
        path: The clip.
        write: Called with (place, bytes, done) for each part of the copy: its first byte's place
            in the file, and the share of frames that are done, 0..1. A later part may overwrite an
            earlier one.
        limits: What the clip may have.

    Raises:
        NotAClip: The file is no clip.
        BrokenClip: It cannot be read.
        ClipTooLarge: It exceeds the limits.
    """
    limits = limits or ClipLimits()
    scanned = scan(path, limits)
    out = Parts(write)
    index = str(MOOV_BYTES + MOOV_FRAME_BYTES * len(scanned.pts))
    typical = middle(path, scanned, limits)
    with opened(path, limits) as source:
        prepare(source)
        made = av.open(
            out,
            "w",
            format="mp4",
            container_options={"moov_size": index},
            buffer_size=BUFFER,
        )
        with made:
            pictures = _timed(pictures_of(source), scanned, limits)
            _encode(pictures, source, typical, made, scanned, out)


class Parts:
    """A file for the muxer: passes what is written on, and stores nothing."""

    def __init__(self, write: Write) -> None:
        self._write = write
        self._at = 0
        self._end = 0
        self.done = 0.0

    def write(self, data: bytes) -> int:
        """Pass a part on."""
        self._write(self._at, bytes(data), self.done)
        self._at += len(data)
        self._end = max(self._end, self._at)
        return len(data)

    def seek(self, offset: int, whence: int = 0) -> int:
        """Set the place of the next part."""
        self._at = offset + (0, self._at, self._end)[whence]
        return self._at

    def tell(self) -> int:
        """Return the place of the next part."""
        return self._at


def _timed(
    pictures: Iterator[Picture], scanned: Scan, limits: ClipLimits
) -> Iterator[tuple[int, Picture]]:
    """Yield frames with their times from 0, in the clip's units."""
    known = dict(zip(scanned.pts, scanned.ticks, strict=True))
    counting = iter(scanned.ticks)
    last = -1
    for picture in pictures:
        check_size(picture.frame.width, picture.frame.height, limits)
        stamp = picture.frame.pts
        tick = (
            next(counting, None)
            if not scanned.trusted
            else known.get(-1 if stamp is None else stamp)
        )
        if tick is not None and tick - scanned.ticks[0] > last:
            last = tick - scanned.ticks[0]
            yield last, picture


def _encode(
    pictures: Iterator[tuple[int, Picture]],
    source: Source,
    typical: Picture | None,
    made: OutputContainer,
    scanned: Scan,
    out: Parts,
) -> None:
    target: VideoStream | None = None
    last, gap = 0, 0  # the last frame is shown as long as the one before it
    for number, (tick, picture) in enumerate(pictures):
        if target is None:
            size = _size(typical or picture, source.shape)
            target = _target(made, source, size)
            convert = Converter(*size, source.shape)
        upright = np.ascontiguousarray(convert.array(picture))
        frame = VideoFrame.from_ndarray(upright, format="rgb24").reformat(
            format="yuv420p", dst_colorspace="ITU709", dst_color_range="MPEG"
        )
        frame.pts = tick
        frame.time_base = source.stream.time_base
        last, gap = tick, tick - last
        made.mux(_lasting(target.encode(frame), gap))
        out.done = min(1.0, (number + 1) / len(scanned.pts))
    if target is None:
        raise BrokenClip(NO_PICTURES)
    made.mux(_lasting(target.encode(None), gap))


def _lasting(packets: Iterable[Packet[VideoStream]], duration: int) -> list[Packet[VideoStream]]:
    """Set how long frames are shown: of the last one no later frame tells."""
    lasting = list(packets)
    for packet in lasting:
        packet.duration = duration
    return lasting


def _target(made: OutputContainer, source: Source, size: tuple[int, int]) -> VideoStream:
    target = made.add_stream("libx264", options=OPTIONS)
    context = target.codec_context
    context.width, context.height = size
    context.pix_fmt = "yuv420p"
    assert source.stream.time_base is not None
    context.time_base = source.stream.time_base
    context.colorspace, context.color_primaries, context.color_trc = BT709, BT709, BT709
    context.color_range = LIMITED
    prepare(target)
    return target


def _size(picture: Picture, shape: tuple[float, float]) -> tuple[int, int]:
    """Return even sides, as H.264 wants them."""
    shown = shown_size(picture, shape)
    scale = min(1.0, LONGEST_SIDE / max(shown))
    width, height = (max(2, round(side * scale / 2) * 2) for side in shown)
    return width, height
