"""The requests about photos that the decoding process answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ml.errors import MlError
from ml.media import photo as image
from ml.media.signature import HEAD, kind

Answer = tuple[dict[str, Any], bytes]
Request = dict[str, Any]
Settings = dict[str, Any]
TOO_MUCH = "The photo needs more memory than one photo may take; make it smaller."
NEITHER = (
    "This file is not a photo or a clip that Sightline can read: use JPEG, PNG, WebP, GIF, BMP, "
    "TIFF or AVIF, or MP4, MOV, MKV, WebM, AVI or MPEG. (A HEIC photo: save it as JPEG first.)"
)


def kind_of(request: Request, *_: Any) -> Answer:
    """Say what a file's first bytes (in hexadecimal) look like: see `signature.kind`."""
    return {"ok": True, "kind": kind(bytes.fromhex(request["head"]))}, b""


def inspect(request: Request, settings: Settings, *_: Any) -> Answer:
    """Give a photo's facts and a JPEG to show; of a clip, only that it is one."""
    path = Path(request["path"])
    with path.open("rb") as file:
        seems = kind(file.read(HEAD))
    if seems == "clip":
        return {"ok": True, "clip": True}, b""
    try:
        facts, view = image.inspect(path, _limits(settings))
    except image.NotAPhoto:
        raise image.NotAPhoto(NEITHER) from None
    if seems == "gif" and facts.frames > 1:
        return {"ok": True, "clip": True}, b""
    return {"ok": True, "clip": False, "facts": asdict(facts)}, view


def pixels(request: Request, settings: Settings, *_: Any) -> Answer:
    """Give the whole photo as a square."""
    photo = image.load_rgb(Path(request["path"]), _limits(settings))
    square = image.squash(photo, request["size"])
    return {"ok": True, "shape": square.shape}, square.tobytes()


def thumbnail(request: Request, settings: Settings, *_: Any) -> Answer:
    """Give the photo as a small JPEG."""
    limits = _limits(settings)
    return {"ok": True}, image.thumbnail(Path(request["path"]), request["side"], limits)


def verify(request: Request, settings: Settings, *_: Any) -> Answer:
    """Answer for many files at once: [width, height], or the sentence that says what is wrong."""
    limits = _limits(settings)
    return {"ok": True, "found": [_verdict(Path(path), limits) for path in request["paths"]]}, b""


def _verdict(path: Path, limits: image.Limits) -> tuple[int, int] | str:
    try:
        return image.verify(path, limits)
    except MlError as error:
        return error.detail
    except MemoryError:
        return TOO_MUCH


def _limits(settings: Settings) -> image.Limits:
    return image.Limits(**settings["photo"])


VERBS: Mapping[str, Callable[..., Answer]] = {
    "kind": kind_of,
    "inspect": inspect,
    "pixels": pixels,
    "thumbnail": thumbnail,
    "verify": verify,
}
