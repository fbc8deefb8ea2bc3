"""The pictures of an open clip: packets in, frames with their own pixel aspect out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

import av
from av.container import InputContainer
from av.packet import Packet
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

REORDER = 8  # FFmpeg's AV_CODEC_PROP_REORDER
WITH_ALPHA = {"vp8": "libvpx", "vp9": "libvpx-vp9"}  # FFmpeg's own decoders drop transparency


@dataclass(frozen=True)
class Picture:
    """A decoded frame.

    Attributes:
        frame: FFmpeg's frame.
        aspect: Width by height of one of its pixels.
        packet: Number of the packet that it came in, from 0, in the order of decoding.
        opaque: True if what looks like transparency in its format is none.
    """

    frame: VideoFrame
    aspect: float = 1.0
    packet: int = 0
    opaque: bool = False


class Number:
    """A packet's number: an object of its own, since PyAV keeps them by their addresses."""

    def __init__(self, value: int) -> None:
        self.value = value


class Source:
    """One video track of an open clip, and its decoder.

    Attributes:
        container: The open file.
        stream: The track.
        context: The decoder.
        track: The track's number among those with pictures, from 1.
        tracks: How many tracks there are with pictures.
        unread: How many packets were found not to be whole, or damaged.
    """

    def __init__(
        self, container: InputContainer, stream: VideoStream, track: int, tracks: int
    ) -> None:
        self.container = container
        self.stream = stream
        self.track = track
        self.tracks = tracks
        self.unread = 0
        self.context = _decoder(stream)
        self.context.copy_opaque = True  # each frame brings the number of its packet
        self._key = 0
        self._aspects = [(0, _ratio(self.context.sample_aspect_ratio))]  # by packet, from which on
        self._first = _ratio(stream.sample_aspect_ratio)  # the container's, if it has one
        self._opaque = self.format == "avi" and stream.codec_context.name == "rawvideo"

    @property
    def format(self) -> str:
        """FFmpeg's first name of the container."""
        return self.container.format.name.split(",")[0]

    @property
    def codec(self) -> str:
        """FFmpeg's name of the codec."""
        return self.stream.codec_context.name

    @property
    def unit(self) -> float:
        """The unit of all times, in seconds; 0 if there is none."""
        return float(self.stream.time_base or 0)

    @property
    def reorders(self) -> bool:
        """True if the codec may show frames in another order than they are sent."""
        return bool(self.context.codec.properties & REORDER)

    @property
    def shape(self) -> tuple[float, float]:
        """Width and height at the clip's beginning, with square pixels, before it is turned."""
        return self.context.width * float(self._first), float(self.context.height)

    def packets(self) -> Iterator[Packet[VideoStream]]:
        """Yield the track's packets, numbered, and an empty one at the end, for `decode`.

        Half a packet, at the end of a file that is cut off, is left out and counted.
        """
        number = 0
        for packet in self.container.demux(self.stream):
            if packet.is_corrupt and self.format != "mpegts":  # there, it lacks a few bytes
                self.unread += 1
                continue
            packet.opaque = Number(number)
            number += packet.size > 0
            yield packet

    def decode(self, packet: Packet[VideoStream] | None) -> Iterator[Picture]:
        """Decode a packet, or with None or an empty one what the decoder still holds."""
        if packet is not None and packet.is_keyframe:
            self._key = _number(packet.opaque)
        for frame in self.context.decode(packet if packet is not None and packet.size else None):
            self._follow()
            number = _number(frame.opaque)
            yield Picture(frame, self._aspect(number), number, self._opaque)

    def _follow(self) -> None:
        """Note if the decoder has met another pixel aspect: it holds from the last key picture."""
        now = _ratio(self.context.sample_aspect_ratio)
        if now != self._aspects[-1][1]:
            self._aspects.append((self._key, now))

    def _aspect(self, number: int) -> float:
        holds = next((r for start, r in reversed(self._aspects) if start <= number), Fraction(1))
        return float(self._first * holds / self._aspects[0][1])


def _decoder(stream: VideoStream) -> VideoCodecContext:
    own = stream.codec_context
    name = WITH_ALPHA.get(own.name)
    marks = {key.lower(): value for key, value in stream.metadata.items()}
    if name is None or marks.get("alpha_mode") != "1":
        return own
    context = av.CodecContext.create(name, "r")
    assert isinstance(context, VideoCodecContext)
    context.extradata = own.extradata
    context.width, context.height, context.pix_fmt = own.width, own.height, "yuva420p"
    return context


def _number(opaque: object) -> int:
    return opaque.value if isinstance(opaque, Number) else 0


def _ratio(value: Fraction | None) -> Fraction:
    """Return a pixel's aspect; 1 if the file does not say."""
    return value or Fraction(1)
