"""Opening a strange file as a photo: which kinds, how large, and a sentence for whatever fails."""

from __future__ import annotations

import contextlib
import io
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from PIL import (  # the plugins by name: Pillow would load all of its fifty otherwise
    AvifImagePlugin,
    BmpImagePlugin,
    GifImagePlugin,
    Image,
    ImageFile,
    JpegImagePlugin,
    PngImagePlugin,
    TiffImagePlugin,
    UnidentifiedImageError,
    WebPImagePlugin,
)

from ml.errors import MlError
from ml.media import cost

FORMATS = (
    JpegImagePlugin.JpegImageFile.format,  # MPO, the double photo of some phones, comes with it
    PngImagePlugin.PngImageFile.format,
    WebPImagePlugin.WebPImageFile.format,
    GifImagePlugin.GifImageFile.format,
    BmpImagePlugin.BmpImageFile.format,
    TiffImagePlugin.TiffImageFile.format,
    AvifImagePlugin.AvifImageFile.format,
)
HEIF = "HEIF"
TIFF_STARTS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
KINDS = "JPEG, PNG, WebP, HEIC, AVIF, GIF, BMP, TIFF or PDF"
UNKNOWN = f"This file is not a photo that Sightline can read: use {KINDS}."
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


@contextlib.contextmanager
def opened(source: Path | bytes, limits: Limits) -> Iterator[ImageFile.ImageFile]:
    """Open a file whose header keeps the limits; whatever fails is raised with a sentence.

    Args:
        source: The file, or all of its bytes.
        limits: What its header may promise.

    Raises:
        NotAPhoto: It is of no kind that can be read.
        BrokenPhoto: It is damaged, or too small to show anything.
        PhotoTooLarge: It exceeds the limits, or the memory.
    """
    try:
        head = source[:12] if isinstance(source, bytes) else _head(source)
        with _stream(source) as stream:
            if (problem := cost.excess(stream)) is not None:
                raise PhotoTooLarge(problem)
            with Image.open(stream, formats=_formats(head)) as file:
                check_size(file.size, limits)
                yield file
    except UnidentifiedImageError:
        raise _unknown(head) from None
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


def check_size(size: tuple[int, int], limits: Limits) -> None:
    """Raise PhotoTooLarge or BrokenPhoto unless a width and height keep the limits."""
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


def _stream(source: Path | bytes) -> IO[bytes]:
    return io.BytesIO(source) if isinstance(source, bytes) else source.open("rb")


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(12)


def _formats(head: bytes) -> tuple[str, ...]:
    """Return what the file may be; libheif is only loaded for a file of its family."""
    if head[4:8] != b"ftyp" or head[8:11] == b"avi":
        return FORMATS
    import pillow_heif

    pillow_heif.register_heif_opener(thumbnails=False)
    return (*FORMATS, HEIF)


def _unknown(head: bytes) -> NotAPhoto:
    if head.startswith(TIFF_STARTS):
        return NotAPhoto(
            "This TIFF file stores its pixels in a way that Sightline cannot read: save it with "
            "8 or 16 bits a channel, or as PNG."
        )
    return NotAPhoto(UNKNOWN)


def _brief(error: Exception) -> str:
    text = " ".join(str(error).split()) or type(error).__name__
    return text if len(text) <= 100 else text[:97] + "..."
