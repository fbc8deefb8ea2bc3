"""The requests about clips that the decoder process answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ml.errors import MlError
from ml.media.clip import read
from ml.media.clip.decode import scaled
from ml.media.clip.open import ClipLimits
from ml.media.clip.transcode import playable_copy
from ml.media.photo_requests import Answer, Request, Send


def answer(request: Request, limits: dict[str, Any], send: Send) -> Answer:
    """Answer a request; `limits` are the fields of `ClipLimits`. Raises MlError or MemoryError.

    `send` gets parts of a file, ahead of the answer: each with its place.
    """
    return VERBS[request["do"]](request, ClipLimits(**limits), send)


def inspect(request: Request, limits: ClipLimits, _: Send) -> Answer:
    """Answer with a clip's facts, its frames' times to the microsecond, and its poster."""
    path: Path = request["path"]
    facts, poster = read.inspect(path, limits)
    return {"facts": asdict(facts), "times": read.times(path, limits).round(6).tolist()}, poster


def times(request: Request, limits: ClipLimits, _: Send) -> Answer:
    """Answer with the frames' times, float64."""
    return {}, read.times(request["path"], limits).tobytes()


def frames(request: Request, limits: ClipLimits, send: Send) -> Answer:
    """Send some frames, each when it is decoded, ahead of the answer."""
    path, indices = request["path"], request["indices"]
    width, height = request["size"]
    for place, pixels in scaled(path, indices, (width, height), limits):
        send({"part": place}, pixels.tobytes())
    return {}, b""


def thumbnail(request: Request, limits: ClipLimits, _: Send) -> Answer:
    """Answer with a clip's middle frame as a small JPEG."""
    return {}, read.thumbnail(request["path"], request["side"], limits)


def verify(request: Request, limits: ClipLimits, _: Send) -> Answer:
    """Answer for each clip: [width, height, seconds], or the sentence that says what is wrong."""
    return {"verdicts": [_verdict(path, limits) for path in request["paths"]]}, b""


def _verdict(path: Path, limits: ClipLimits) -> tuple[int, int, float] | str:
    try:
        facts, _ = read.inspect(path, limits)
    except MlError as error:
        return error.detail
    return facts.width, facts.height, facts.duration_s


def copy(request: Request, limits: ClipLimits, send: Send) -> Answer:
    """Send a playable copy part by part, ahead of the answer."""

    def send_part(place: int, data: bytes, done: float) -> None:
        send({"part": place, "done": done}, data)

    playable_copy(request["path"], send_part, limits)
    return {}, b""


VERBS: Mapping[str, Callable[[Request, ClipLimits, Send], Answer]] = {
    "clip_inspect": inspect,
    "clip_times": times,
    "clip_frames": frames,
    "clip_copy": copy,
    "clip_thumbnail": thumbnail,
    "clip_verify": verify,
}
