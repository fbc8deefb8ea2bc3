"""The requests about clips that the decoding process answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ml.errors import MlError
from ml.media.clip import read
from ml.media.clip.transcode import playable_copy

Answer = tuple[dict[str, Any], bytes]
Request = dict[str, Any]
Settings = dict[str, Any]
SendPart = Callable[[dict[str, Any], bytes], None]


def inspect(request: Request, settings: Settings, *_: Any) -> Answer:
    """Give a clip's facts, its frames' times to the microsecond, and its poster."""
    path, limits = Path(request["path"]), _limits(settings)
    facts, poster = read.inspect(path, limits)
    times = read.times(path, limits).round(6).tolist()
    return {"ok": True, "facts": asdict(facts), "times": times}, poster


def times(request: Request, settings: Settings, *_: Any) -> Answer:
    """Give the frames' times, float64."""
    return {"ok": True}, read.times(Path(request["path"]), _limits(settings)).tobytes()


def frames(request: Request, settings: Settings, tell: SendPart) -> Answer:
    """Send some frames as squares, each when it is decoded, ahead of the answer."""
    path, indices = Path(request["path"]), request["indices"]
    for place, pixels in read.squares(path, indices, request["size"], _limits(settings)):
        tell({"part": place}, pixels.tobytes())
    return {"ok": True}, b""


def thumbnail(request: Request, settings: Settings, *_: Any) -> Answer:
    """Give a clip's middle frame as a small JPEG."""
    return {"ok": True}, read.thumbnail(Path(request["path"]), request["side"], _limits(settings))


def verify(request: Request, settings: Settings, *_: Any) -> Answer:
    """Answer for many clips: [width, height, seconds], or the sentence that says what is wrong."""
    limits = _limits(settings)
    return {"ok": True, "found": [_verdict(Path(path), limits) for path in request["paths"]]}, b""


def _verdict(path: Path, limits: read.ClipLimits) -> tuple[int, int, float] | str:
    try:
        facts, _ = read.inspect(path, limits)
    except MlError as error:
        return error.detail
    return facts.width, facts.height, facts.duration_s


def copy(request: Request, settings: Settings, tell: SendPart) -> Answer:
    """Send a playable copy part by part, ahead of the answer."""

    def send(place: int, data: bytes, done: float) -> None:
        tell({"part": place, "done": done}, data)

    playable_copy(Path(request["path"]), send, _limits(settings))
    return {"ok": True}, b""


def _limits(settings: Settings) -> read.ClipLimits:
    return read.ClipLimits(**settings["clip"]["limits"])


VERBS: Mapping[str, Callable[..., Answer]] = {
    "clip_inspect": inspect,
    "clip_times": times,
    "clip_frames": frames,
    "clip_copy": copy,
    "clip_thumbnail": thumbnail,
    "clip_verify": verify,
}
