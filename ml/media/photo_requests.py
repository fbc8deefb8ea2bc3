"""The requests about photos that the decoder process answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PIL import Image

from ml.errors import MlError
from ml.media import photo
from ml.media.opening import KINDS, UNKNOWN
from ml.media.photo import Limits
from ml.media.signature import HEAD, kind

if TYPE_CHECKING:
    import numpy as np

Answer = tuple[dict[str, Any], bytes]  # JSON and payload
Request = dict[str, Any]
Send = Callable[[dict[str, Any], bytes], None]
TOO_MUCH = "The photo needs more memory than one photo may take; make it smaller."
NEITHER = (
    f"This file is not a photo or a clip that Sightline can read: use {KINDS}, "
    "or MP4, MOV, MKV, WebM, AVI or MPEG."
)


def answer(request: Request, limits: dict[str, Any], send: Send) -> Answer:  # noqa: ARG001
    """Answer a request; `limits` are the fields of `Limits`. Raises MlError or MemoryError."""
    return VERBS[request["do"]](request, Limits(**limits))


def kind_of(request: Request, _: Limits) -> Answer:
    """Answer what a file's first bytes (in hexadecimal) look like: see `signature.kind`."""
    return {"kind": kind(bytes.fromhex(request["head"]))}, b""


def inspect(request: Request, limits: Limits) -> Answer:
    """Answer with a photo's facts and a JPEG to show; of a clip, only that it is one."""
    path: Path = request["path"]
    with path.open("rb") as file:
        looks_like = kind(file.read(HEAD))
    if looks_like == "clip":
        return {"clip": True}, b""
    try:
        facts, view = photo.inspect(path, limits)
    except photo.NotAPhoto as error:
        raise photo.NotAPhoto(NEITHER if error.detail == UNKNOWN else error.detail) from None
    if looks_like == "gif" and facts.frames > 1:
        return {"clip": True}, b""
    return {"clip": False, "facts": asdict(facts)}, view


def pixels(request: Request, limits: Limits) -> Answer:
    """Answer with the photo as a network sees it: fitted, or made small at a place."""
    image = photo.load_rgb(request["path"], limits)
    if request["place"] is None:
        seen = photo.fitted(image, request["size"], request["fit"])
    else:
        seen = made_small(image, request["size"], request["place"])
    return {"shape": seen.shape}, seen.tobytes()


def made_small(image: Image.Image, side: int, at: Sequence[float]) -> np.ndarray:
    """Return the photo made small at share, x and y of `ml.media.place.Place`."""
    from ml.media.place import Place  # OpenCV: few photos need it

    return photo.made_small(image, side, Place(*at))


def thumbnail(request: Request, limits: Limits) -> Answer:
    """Answer with the photo as a small JPEG."""
    return {}, photo.thumbnail(request["path"], request["side"], limits)


def verify(request: Request, limits: Limits) -> Answer:
    """Answer for each of many files: [width, height, None, note], or what is wrong with it."""
    return {"verdicts": [_verdict(path, limits) for path in request["paths"]]}, b""


def _verdict(path: Path, limits: Limits) -> tuple[int, int, None, str | None] | str:
    try:
        facts = photo.verify(path, limits)
    except MlError as error:
        return error.detail
    except MemoryError:
        return TOO_MUCH
    return facts.width, facts.height, None, facts.note


VERBS: Mapping[str, Callable[[Request, Limits], Answer]] = {
    "kind": kind_of,
    "inspect": inspect,
    "pixels": pixels,
    "thumbnail": thumbnail,
    "verify": verify,
}
