"""Loads whatever a decoder may need, since once it is locked in it can open no file."""

from __future__ import annotations

import io
import pkgutil
from collections.abc import Callable
from importlib import import_module
from typing import Any

from PIL import Image

LATER = (  # what libraries import when a file first needs it
    "PIL.BmpImagePlugin",
    "PIL.ExifTags",
    "PIL.ImageChops",
    "PIL.ImageColor",
    "PIL.ImageFilter",
    "PIL.ImageMath",
    "PIL.ImageMode",
    "PIL.ImagePalette",
    "PIL.ImageSequence",
    "PIL.MpoImagePlugin",
    "PIL.PngImagePlugin",
    "PIL.PpmImagePlugin",
    "PIL.TiffImagePlugin",
    "encodings.ascii",
    "encodings.idna",
    "encodings.latin_1",
    "encodings.utf_16",
    "encodings.utf_8",
    "numpy.ma",
    "numpy.random",
)
OF_PHOTOS = ("cv2", "pillow_heif", "pypdfium2")
SAMPLES = ("JPEG", "PNG", "GIF", "TIFF", "WEBP", "AVIF")


def everything(role: str) -> Callable[..., Any]:
    """Load what a role (photo or clip) needs; return what answers its requests."""
    Image.preinit()
    for name in LATER if role == "clip" else (*LATER, *OF_PHOTOS):
        import_module(name)
    if role == "clip":
        return _of_clips()
    from ml.media import photo_requests
    from ml.media.place import Place

    for kind in SAMPLES:
        sample = io.BytesIO()
        Image.new("RGB", (16, 16)).save(sample, kind)
        with Image.open(sample, formats=(kind,)) as image:
            image.getexif()
            image.load()
    ground_is_read = Place(1.0, 0.5, 0.5)
    photo_requests.made_small(Image.new("RGB", (16, 16)), 16, ground_is_read)
    return photo_requests.answer


def _of_clips() -> Callable[..., Any]:
    """A process that sees photos only never loads FFmpeg."""
    import av

    from ml.media.clip.requests import answer

    for module in pkgutil.walk_packages(av.__path__, "av."):
        if module.name not in {"av.__main__", "av.datasets"}:  # programs of their own
            import_module(module.name)
    return answer
