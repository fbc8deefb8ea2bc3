"""How a result came about: enough to compute the same numbers again."""

from __future__ import annotations

import platform
from collections.abc import Sequence
from functools import cache
from importlib.metadata import PackageNotFoundError, version

import torch

from app.db.documents import Provenance
from app.db.tables import Media
from app.jobs.parameters import SNIPPET, AnalysisRequest, Fit, Place
from ml.catalogue import IMAGENET_ID
from ml.explain.combine import RULE
from ml.media.fit import fitted_size
from ml.media.place import GROUND
from ml.networks.weights import MEAN, STD
from worker.model_cache import ModelCache

PACKAGES = ("sightline", "torch", "torchvision", "numpy", "pillow", "pillow-heif", "pypdfium2")
CLIP_PACKAGES = ("av", "opencv-python-headless")
PLACE_PACKAGES = ("opencv-python-headless",)
FITTED: dict[Fit, str] = {
    "shape": "whole picture at its own proportions,",
    "squash": "whole picture squashed to",
    "crop": "centre square of the picture,",
}


def provenance(
    request: AnalysisRequest,
    answered: Sequence[str],
    models: ModelCache,
    media: Media,
    seconds: float,
) -> Provenance:
    """Return the record.

    Args:
        request: What was asked.
        answered: The models of it that have a row.
        models: Where their checkpoints and calibrations are known.
        media: What was looked at.
        seconds: The time of all models.
    """
    left_out = {"media_id", "clip"} | ({"place"} if request.place is None else set())
    wanted = request.model_dump(mode="json", exclude=left_out)
    packages = (
        *PACKAGES,
        *(CLIP_PACKAGES if request.clip else ()),
        *(PLACE_PACKAGES if request.place else ()),
    )
    record: Provenance = {
        "request": wanted | (request.clip.model_dump(mode="json") if request.clip else {}),
        "checkpoints": {name: models.entry(name).checkpoint_sha256 for name in answered},
        "calibration": {
            name: dict(calibration)
            for name in answered
            if (calibration := models.entry(name).about.get("calibration")) is not None
        },
        "preprocessing": {
            **(_of_photo if request.clip is None else _of_clip)(request, media),
            "mean": list(MEAN),
            "std": list(STD),
        },
        "combined": RULE,
        "device": models.device,
        "threads": torch.get_num_threads(),
        "seed": None,  # nothing here is random
        "versions": {"python": platform.python_version()} | {p: _version(p) for p in packages},
        "seconds": round(seconds, 4),
    }
    if request.clip is None:
        imagenet = models.entries.get(IMAGENET_ID)  # it tells others what they do not know
        hashed = None if imagenet is None else imagenet.checkpoint_sha256
        return {"photo_sha256": media.sha256, "imagenet_sha256": hashed, **record}
    return {"clip_sha256": media.sha256, **record}


def _resized(request: AnalysisRequest, media: Media) -> str:
    width, height = fitted_size(media.width, media.height, request.input_size, request.fit)
    return f"{FITTED[request.fit]} {width} x {height}"


def _made_small(place: Place, side: int) -> str:
    return (
        f"whole picture at its own proportions, its longer side {place.share:.0%} of {side} x "
        f"{side}, OpenCV area, at {place.x:g} and {place.y:g} of the free width and height, on "
        f"shuffled tiles of another photo ({GROUND.name})"
    )


def _of_photo(request: AnalysisRequest, media: Media) -> dict[str, str]:
    place = request.place
    resized = f"{_resized(request, media)}, Pillow bilinear, antialiased"
    return {
        "decoding": "turned as EXIF says, 8-bit sRGB, over white where transparent",
        "resize": _made_small(place, request.input_size) if place else resized,
    }


def _of_clip(request: AnalysisRequest, media: Media) -> dict[str, str]:
    return {
        "decoding": "turned as the file says, 8-bit RGB, over white where transparent, HDR mapped "
        "to an ordinary screen, times from the first frame",
        "resize": f"{_resized(request, media)}, FFmpeg area, antialiased",
        "sampling": f"equal segments of the range, in the middle of each {SNIPPET} frames in a row",
        "flow": "between frames in a row at that size, cut off at 20 px, 8 bits",
    }


@cache
def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:  # run from a clone that was never installed
        return "unknown"
