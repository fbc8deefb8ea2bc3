"""Reading a photo: what is in the file, its pixels as shown, and as a network sees them.

Pillow does the decoding. Whatever the file is, the result is 8-bit RGB, turned as its EXIF says,
over white where it is transparent; of an animation the first frame. ICC profiles are not applied.
"""

from __future__ import annotations

import contextlib
import io
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import (  # the plugins by name: Pillow would load all of its fifty otherwise
    AvifImagePlugin,
    BmpImagePlugin,
    GifImagePlugin,
    Image,
    ImageFile,
    ImageOps,
    JpegImagePlugin,
    PngImagePlugin,
    TiffImagePlugin,
    UnidentifiedImageError,
    WebPImagePlugin,
)

from ml.errors import MlError
from ml.media.fit import Fit, fitted_size

if TYPE_CHECKING:
    import numpy as np

    from ml.media.place import Place

FORMATS = (
    JpegImagePlugin.JpegImageFile.format,  # MPO, the double photo of some phones, comes with it
    PngImagePlugin.PngImageFile.format,
    WebPImagePlugin.WebPImageFile.format,
    GifImagePlugin.GifImageFile.format,
    BmpImagePlugin.BmpImageFile.format,
    TiffImagePlugin.TiffImageFile.format,
    AvifImagePlugin.AvifImageFile.format,
)
VIEW_SIDE = 1600
ORIENTATION = 0x0112  # EXIF's tag
WIDE_GREY = {"I;16", "I;16L", "I;16B", "I;16N"}  # 16 bits a pixel; Pillow clips what it converts
Image.MAX_IMAGE_PIXELS = None  # `Limits` is checked instead, before any pixel is decoded
warnings.simplefilter("ignore")  # Pillow warns about EXIF and the like; nobody reads that here


class NotAPhoto(MlError):
    """The file is of no kind that can be read."""


class BrokenPhoto(MlError):
    """The file begins like a photo, but cannot be read to its end, or shows next to nothing."""


class PhotoTooLarge(MlError):
    """The picture has more pixels than allowed, or its shape cannot be shown."""


@dataclass(frozen=True)
class Limits:
    """What a header may promise, in pixels."""

    max_pixels: int = 80_000_000
    max_side: int = 20_000
    min_side: int = 8


@dataclass(frozen=True)
class PhotoFacts:
    """What a file holds; width and height in pixels as shown, after the EXIF rotation."""

    format: str
    content_type: str
    width: int
    height: int
    frames: int
    note: str | None


def load_rgb(path: Path, limits: Limits | None = None) -> Image.Image:
    """Return the whole photo, as shown, in RGB.

    Raises NotAPhoto, BrokenPhoto or PhotoTooLarge, each with a sentence that says what to do.
    """
    return _read(path, limits or Limits())[1]


def inspect(path: Path, limits: Limits | None = None) -> tuple[PhotoFacts, bytes]:
    """Decode the whole photo; return its facts, and a JPEG of at most 1600 px to show.

    Raises as `load_rgb` does.
    """
    facts, image = _read(path, limits or Limits())
    image.thumbnail((VIEW_SIDE, VIEW_SIDE), Image.Resampling.BICUBIC, reducing_gap=1.25)
    view = io.BytesIO()
    image.save(view, "JPEG", quality=88)
    return facts, view.getvalue()


def verify(path: Path, limits: Limits | None = None) -> tuple[int, int]:
    """Decode the file to its end; return its width and height in pixels, as shown.

    A JPEG is decoded at an eighth of its size: all its data are read, at a third of the time.
    Raises as `load_rgb` does.
    """
    with _opened(path, limits or Limits()) as file:
        width, height = file.size
        file.draft(None, (1, 1))
        file.load()
        sideways = False
        with contextlib.suppress(Exception):  # a photo with damaged EXIF is still a photo
            sideways = file.getexif().get(ORIENTATION) in {5, 6, 7, 8}
    return (height, width) if sideways else (width, height)


def thumbnail(path: Path, side: int, limits: Limits | None = None) -> bytes:
    """Return the whole photo as a JPEG of at most `side` pixels. Raises as `load_rgb` does."""
    with _opened(path, limits or Limits()) as file:
        file.draft(None, (2 * side, 2 * side))
        file.load()
        image = _to_rgb(_turn(file))
    image.thumbnail((side, side), Image.Resampling.BICUBIC, reducing_gap=2.0)
    view = io.BytesIO()
    image.save(view, "JPEG", quality=85)
    return view.getvalue()


def fitted(image: Image.Image, size: int, fit: Fit) -> np.ndarray:
    """Return the photo as a network sees it, uint8 [h, w, 3]; antialiased bilinear.

    Args:
        image: RGB.
        size: Side of the square, or with `shape` the shorter side, in pixels.
        fit: See `Fit`; `fitted_size` says what h and w become.
    """
    import numpy as np

    box = None
    if fit == "crop":
        side = min(image.size)
        left, top = ((length - side) // 2 for length in image.size)
        box = (left, top, left + side, top + side)
    shown = image.resize(fitted_size(*image.size, size, fit), Image.Resampling.BILINEAR, box)
    return np.asarray(shown, dtype=np.uint8)


def made_small(image: Image.Image, side: int, at: Place) -> np.ndarray:
    """Return the photo made small on a ground of shuffled tiles, uint8 [side, side, 3].

    Args:
        image: RGB.
        side: Of the square, in pixels.
        at: See `ml.media.place.place`.
    """
    import numpy as np

    from ml.media.place import on_ground  # OpenCV: few photos need it

    fewer = image.reduce(max(1, max(image.size) // (2 * side)))  # a large one fits in memory once
    return on_ground(np.asarray(fewer, dtype=np.uint8), side, at)


def squash(image: Image.Image, size: int) -> np.ndarray:
    """Return the whole photo as a square, uint8 [size, size, 3]: what the models learn from."""
    return fitted(image, size, "squash")


def _read(path: Path, limits: Limits) -> tuple[PhotoFacts, Image.Image]:
    with _opened(path, limits) as file:
        frames = int(getattr(file, "n_frames", 1))
        file.seek(0)
        file.load()
        image = _to_rgb(_turn(file))
        return _facts(file, image, frames), image


@contextlib.contextmanager
def _opened(path: Path, limits: Limits) -> Iterator[ImageFile.ImageFile]:
    """Open a file whose header keeps the limits; whatever fails is raised with a sentence."""
    try:
        with Image.open(path, formats=FORMATS) as file:
            _check_size(file.size, limits)
            yield file
    except UnidentifiedImageError:
        raise NotAPhoto(
            "This file is not a photo that Sightline can read: use JPEG, PNG, WebP, GIF, BMP, "
            "TIFF or AVIF. (A HEIC photo: save it as JPEG first.)"
        ) from None
    except MemoryError:
        raise PhotoTooLarge(
            "The photo needs more memory than one photo may take; make it smaller and try again."
        ) from None
    except MlError:
        raise
    except Exception as error:  # noqa: BLE001 (from SyntaxError to struct.error)
        raise BrokenPhoto(
            f"The file is cut off or damaged: it could not be read to its end ({_brief(error)}). "
            "Save or send it once more."
        ) from None


def _check_size(size: tuple[int, int], limits: Limits) -> None:
    width, height = size
    if max(size) > limits.max_side:
        raise PhotoTooLarge(
            f"The photo is {width} x {height} pixels: no side may exceed {limits.max_side}."
        )
    if min(size) < limits.min_side:
        raise BrokenPhoto(
            f"The photo is {width} x {height} pixels: each side needs at least {limits.min_side}."
        )
    if width * height > limits.max_pixels:
        raise PhotoTooLarge(
            f"The photo is {width} x {height} pixels, {width * height / 1e6:.0f} million: at most "
            f"{limits.max_pixels / 1e6:.0f} million are allowed. Make it smaller and try again."
        )


def _turn(image: Image.Image) -> Image.Image:
    with contextlib.suppress(Exception):  # a photo with damaged EXIF is still a photo
        ImageOps.exif_transpose(image, in_place=True)
    return image


def _to_rgb(image: Image.Image) -> Image.Image:
    if image.mode in WIDE_GREY:
        return image.point(lambda value: value * (1 / 256)).convert("L").convert("RGB")
    if image.mode in {"I", "F"}:
        return _wide_to_grey(image).convert("RGB")
    if not image.has_transparency_data:
        return image.convert("RGB")
    layer = image if image.mode == "RGBA" else image.convert("RGBA")
    shown = Image.new("RGB", layer.size, "white")
    shown.paste(layer, mask=layer)  # in place: a large photo would not fit in several copies
    return shown


def _wide_to_grey(image: Image.Image) -> Image.Image:
    """Scale 32-bit grey to 8 bits: by 1/256 if it is 16-bit data in a wide mode, else by range."""
    low, high = image.getextrema()
    assert isinstance(low, int | float)
    assert isinstance(high, int | float)
    if low >= 0 and 255 < high <= 65535:
        low, high = 0, 65535
    elif low >= 0 and high <= 255:
        low, high = 0, 255
    scale = 255.0 / ((high - low) or 1)
    return image.point(lambda value: value * scale + (-low * scale)).convert("L")


def _facts(file: ImageFile.ImageFile, image: Image.Image, frames: int) -> PhotoFacts:
    note = None
    if file.format == "MPO":
        return PhotoFacts("JPEG", "image/jpeg", image.width, image.height, 1, None)
    if file.format == "TIFF" and frames > 1:
        note = f"The file has {frames} pages: the first is used."
    elif frames > 1:
        note = f"The photo is animated ({frames} frames): the first frame is used."
    return PhotoFacts(
        format=str(file.format),
        content_type=file.get_format_mimetype() or "application/octet-stream",
        width=image.width,
        height=image.height,
        frames=frames,
        note=note,
    )


def _brief(error: Exception) -> str:
    text = " ".join(str(error).split()) or type(error).__name__
    return text if len(text) <= 100 else text[:97] + "..."
