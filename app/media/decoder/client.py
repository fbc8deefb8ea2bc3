"""Decodes photos and clips in other processes, with limits on memory, time and files."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from app.core.settings import Settings
from app.media.decoder.copying import Copy
from app.media.decoder.pool import DecoderPool, DecodersBusy
from app.media.decoder.process import DecoderDied, DecoderOverspent, DecoderTimedOut
from app.media.decoder.reader import MediaReader

HEAD = 4096  # bytes that show a file's kind
COPY_FACTOR = 10  # a copy may take longer than reading by this: all frames, and encoding


@dataclass(frozen=True)
class MediaFacts:
    """Facts about a file.

    Attributes:
        kind: "image" or "clip".
        width: Pixels, as shown.
        height: Pixels, as shown.
        view: A JPEG of at most 1600 px; of a clip its poster.
        fps: A clip's average rate.
        playable: True if browsers play the clip as it is.
        times: When each frame of a clip is shown, in seconds from the first.
    """

    kind: str
    format: str
    content_type: str
    width: int
    height: int
    frames: int
    note: str | None
    view: bytes
    codec: str | None = None
    fps: float | None = None
    duration_s: float | None = None
    playable: bool = False
    times: tuple[float, ...] = ()


class Decoder:
    """Reads photos and clips, as many at once as there are cores.

    One process is always left to small photos: neither clips nor large photos delay them.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.pool = DecoderPool(settings, max(2, os.cpu_count() or 1), reserve=1)
        self.photos = MediaReader(self.pool, "photo", "an image editor", settings.decode_seconds)
        self.clips = MediaReader(self.pool, "clip", "a video editor", settings.clip_decode_seconds)

    def kind(self, head: bytes) -> str:
        """Return a file's kind by its first bytes: image, clip, gif (either) or unknown."""
        answer, _ = self.photos.ask({"do": "kind", "head": head[:HEAD].hex()})
        return str(answer["kind"])

    def inspect(self, path: Path) -> MediaFacts:
        """Decode a photo or clip and return its facts.

        Raises:
            BadMedia: The file is damaged, of no known kind, or takes too much processor time.
            TooLarge: It exceeds a limit.
            Busy: The processes or the server are occupied, or none starts.
        """
        answer, view = self.photos.ask({"do": "inspect", "path": str(path)})
        if not answer["clip"]:
            return MediaFacts(kind="image", **answer["facts"], view=view)
        answer, view = self.clips.ask({"do": "clip_inspect", "path": str(path)})
        times = tuple(answer["times"])
        return MediaFacts(kind="clip", **answer["facts"], view=view, times=times)

    def pixels(
        self, path: Path, size: int, fit: str, place: tuple[float, float, float] | None = None
    ) -> np.ndarray:
        """Return the photo as a network sees it, uint8 [h, w, 3]. Raises as `inspect` does.

        Args:
            path: The photo.
            size: Side of the square, or the shorter side, in pixels.
            fit: One of `app.jobs.parameters.Fit`.
            place: Share, x and y of `app.jobs.parameters.Place`: a square with the photo on it,
                whatever the fit is.
        """
        request = {"do": "pixels", "path": str(path), "size": size, "fit": fit, "place": place}
        answer, payload = self.photos.ask(request)
        return np.frombuffer(payload, np.uint8).reshape(answer["shape"])

    def thumbnail(self, path: Path, side: int, *, clip: bool = False) -> bytes:
        """Return the whole photo, or a clip's middle frame, as a JPEG of at most `side` pixels.

        Raises as `inspect` does.
        """
        request = {"path": str(path), "side": side}
        if clip:
            return self.clips.ask({"do": "clip_thumbnail", **request})[1]
        return self.photos.ask({"do": "thumbnail", **request})[1]

    def clip_times(self, path: Path) -> list[float]:
        """Return when each frame of a clip is shown, in seconds from the first, ascending.

        Nothing is decoded. Raises as `inspect` does.
        """
        payload = self.clips.ask({"do": "clip_times", "path": str(path)})[1]
        return [float(time) for time in np.frombuffer(payload, np.float64)]

    def clip_frames(
        self,
        path: Path,
        indices: Sequence[int],
        size: int | tuple[int, int],
        arrived: Callable[[int, np.ndarray], None] | None = None,
    ) -> np.ndarray:
        """Return frames of a clip by number, whole and upright, uint8 [N, h, w, 3].

        Only what these frames need is decoded. `size` is their width and height, or the side of
        the square that they are squashed to. `arrived(place, pixels)` is called for each frame
        when it is decoded, with its place in `indices`; it may raise to stop. Raises as `inspect`.
        """
        width, height = (size, size) if isinstance(size, int) else size
        frames = np.empty((len(indices), height, width, 3), np.uint8)

        def take(header: dict[str, Any], data: bytes) -> None:
            place = int(header["part"])
            frames[place] = np.frombuffer(data, np.uint8).reshape(frames.shape[1:])
            if arrived is not None:
                arrived(place, frames[place])

        numbers = [int(index) for index in indices]
        request = {"do": "clip_frames", "path": str(path), "indices": numbers}
        self.clips.ask(request | {"size": [width, height]}, take)
        return frames

    def playable_copy(
        self, path: Path, target: Path, report: Callable[[float], None] | None = None
    ) -> None:
        """Write an MP4 (H.264, at most 1280 px, no sound) that browsers play to a new file.

        `report` is called with the share that is done, 0..1, and may raise to stop. The process
        that reads the clip cannot write to any file: parts of the copy come through the pipe.
        Raises as `inspect` does, and TooLarge for a copy over `max_clip_bytes`.
        """
        seconds = COPY_FACTOR * self._settings.clip_decode_seconds
        request = {"do": "clip_copy", "path": str(path)}
        with target.open("wb") as file:
            copy = Copy(file, self._settings.max_clip_bytes, report)
            self.clips.ask(request, copy.take, seconds)

    def warm(self) -> None:
        """Start a process for photos ahead of the first file."""
        self.pool.warm()

    def answers(self) -> bool:
        """Return whether a process answers, or all are at work. Raises DecoderUnsafe."""
        try:
            self.pool.ask({"do": "kind", "head": ""}, self._settings.decode_seconds, None, 0.0)
        except DecodersBusy:
            return True
        except (DecoderDied, DecoderOverspent, DecoderTimedOut):
            return False
        return True

    def close(self) -> None:
        """End the processes."""
        self.pool.close()
