"""Opening a stranger's clip: one demuxer, chosen by signature, that can open nothing else.

FFmpeg's demuxers of playlists, image sequences and the like open further files and addresses by
name. None of them is reachable here: the file's first bytes choose one of a few demuxers of plain
containers, it reads an open file, and whatever else it wants to open is refused.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, NoReturn

import av
from av.container import InputContainer
from av.video.stream import VideoStream

from ml.errors import MlError
from ml.media.clip.source import Picture, Source
from ml.media.signature import HEAD, clip_demuxer

BUFFER = 64 * 1024
WORTH_THREADS = 400 * 300  # pixels; below, a second thread makes H.264 and MPEG-4 slower
THREADS = 4  # at most; a decoder's memory grows with them
NOT_A_CLIP = (
    "This file is not a clip that Sightline can read: use MP4, MOV, MKV, WebM, AVI, MPEG, FLV, "
    "WMV, OGV or an animated GIF."
)

av.logging.set_level(None)


class NotAClip(MlError):
    """The file is of no kind that can be read, or has no pictures."""


class BrokenClip(MlError):
    """The file begins like a clip, but its pictures cannot be read."""


class ClipTooLarge(MlError):
    """The clip is longer, larger or has more frames than allowed."""


@dataclass(frozen=True)
class ClipLimits:
    """Limits of a clip; `pixels` are a frame's."""

    seconds: float = 300.0
    pixels: int = 9_500_000
    frames: int = 20_000
    side: int = 16_384
    min_side: int = 8


@contextlib.contextmanager
def opened(path: Path, limits: ClipLimits) -> Iterator[Source]:
    """Yield the pictures of a clip: of several tracks, those of the default one.

    Whatever fails in the body is raised as NotAClip, BrokenClip or ClipTooLarge, each with a
    sentence for a person.
    """
    try:
        with path.open("rb", buffering=0) as file, _container(file) as container:
            source = _pictures(container)
            if source.context.width and source.context.height:
                check_size(source.context.width, source.context.height, limits)
            yield source
    except MlError:
        raise
    except (MemoryError, av.error.MemoryError):
        raise ClipTooLarge(
            "The clip needs more memory than one may take; make it smaller and try again."
        ) from None
    except (av.error.FFmpegError, EOFError, ValueError, OSError) as error:
        raise broken(error) from None


def prepare(stream: Source | VideoStream) -> None:
    """Use several threads if the pictures are large enough to gain from them."""
    context = stream.codec_context if isinstance(stream, VideoStream) else stream.context
    many = context.width * context.height >= WORTH_THREADS
    context.thread_count = max(1, min(THREADS, os.cpu_count() or 1)) if many else 1
    context.thread_type = "AUTO"


def pictures_of(source: Source) -> Iterator[Picture]:
    """Decode every frame; damaged ones are skipped, as players do, and counted in `unread`."""
    for packet in source.packets():
        try:
            yield from source.decode(packet)
        except av.error.InvalidDataError:
            source.unread += 1


def check_size(width: int, height: int, limits: ClipLimits) -> None:
    """Raise ClipTooLarge or BrokenClip for frames of a size that is not allowed."""
    if width * height > limits.pixels or max(width, height) > limits.side:
        raise ClipTooLarge(
            f"The clip's frames are {width} x {height} pixels, {width * height / 1e6:.1f} million: "
            f"at most {limits.pixels / 1e6:.1f} million are allowed. Scale it down and try again."
        )
    if min(width, height) < limits.min_side:
        raise BrokenClip(
            f"The clip's frames are {width} x {height} pixels: each side needs at least "
            f"{limits.min_side}."
        )


def check_seconds(seconds: float, limits: ClipLimits) -> None:
    """Raise ClipTooLarge for a clip that takes too long."""
    if seconds > limits.seconds:
        raise ClipTooLarge(
            f"The clip is {_time(seconds)} long: at most {_time(limits.seconds)} are allowed. "
            "Cut the part that matters and send that."
        )


def check_count(frames: int, limits: ClipLimits) -> None:
    """Raise ClipTooLarge for a clip with too many frames."""
    if frames > limits.frames:
        raise ClipTooLarge(
            f"The clip has more than {limits.frames:,} frames, the most that are allowed. Cut the "
            "part that matters, or lower its frame rate, and send that."
        )


def broken(error: Exception) -> BrokenClip:
    """Return the sentence for a clip that FFmpeg cannot read."""
    reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return BrokenClip(
        f"The clip is cut off or damaged: it could not be read ({' '.join(reason.split())[:100]}). "
        "Save or send it once more."
    )


def _container(file: IO[bytes]) -> InputContainer:
    demuxer = clip_demuxer(file.read(HEAD))
    file.seek(0)
    if demuxer is None:
        raise NotAClip(NOT_A_CLIP)
    return av.open(
        file,
        "r",
        format=demuxer,
        container_options={"protocol_whitelist": "none", "format_whitelist": demuxer},
        metadata_errors="replace",
        buffer_size=BUFFER,
        io_open=_refuse,
    )


def _refuse(*_: Any) -> NoReturn:
    raise BrokenClip(
        "The clip points at other files: put all of it into one file, and send that again."
    )


def _pictures(container: InputContainer) -> Source:
    moving = [s for s in container.streams.video if not s.disposition & s.disposition.attached_pic]
    if not moving:
        if container.streams.audio:
            raise NotAClip(
                "The file holds sound but no pictures: send a clip that shows something."
            )
        raise BrokenClip("The file holds no pictures: it is cut off or damaged. Save it once more.")
    known = list(filter(lambda stream: stream.codec_context is not None, moving))
    if not known:
        raise NotAClip("The clip is compressed in a way that is not known here: save it as H.264.")
    chosen = next((s for s in known if s.disposition & s.disposition.default), known[0])
    return Source(container, chosen, moving.index(chosen) + 1, len(moving))


def _time(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes:02d} min"
    if seconds < 60:
        return f"{seconds:.3g} s"
    return f"{minutes} min {rest:02d} s" if rest else f"{minutes} min"
