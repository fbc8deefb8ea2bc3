"""Reading a photo: what is in the file, its pixels as shown, and as a network sees them.

Whatever the file is, the result is 8-bit sRGB, turned as its EXIF says, over white where it is
transparent; of an animation, or of pages (also a PDF's), the first. Analyses, datasets, training
and the command line all read through `read`; what was guessed, or left out, is in the note.
"""

from __future__ import annotations

import contextlib
import io
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image, ImageFile, ImageOps

from ml.media import colours, tones
from ml.media.cut_jpeg import mended
from ml.media.fit import Fit, fitted_size
from ml.media.opening import (
    HEIF,
    BrokenPhoto,
    Limits,
    NotAPhoto,
    PhotoTooLarge,
    check_size,
    opened,
)
from ml.media.pdf_page import first_page, is_pdf

if TYPE_CHECKING:
    import numpy as np

    from ml.media.place import Place

__all__ = ["BrokenPhoto", "Limits", "NotAPhoto", "PhotoFacts", "PhotoTooLarge"]
VIEW_SIDE = 1600
READING = 1  # counted up when photos are read to other pixels than before: names of caches hold it


@dataclass(frozen=True)
class PhotoFacts:
    """What a file holds; width and height in pixels as shown, after the EXIF rotation.

    note: sentences on what was guessed or left out, for people.
    """

    format: str
    content_type: str
    width: int
    height: int
    frames: int
    note: str | None


def read(
    path: Path, limits: Limits | None = None, side: int | None = None
) -> tuple[PhotoFacts, Image.Image]:
    """Decode a photo to its end; return its facts, and it as shown, in RGB.

    Args:
        path: The file.
        limits: What its header may promise.
        side: A JPEG may be decoded at an eighth, a quarter or half of its size, if this many
            pixels a side are left.

    Raises:
        NotAPhoto, BrokenPhoto or PhotoTooLarge, each with a sentence that says what to do.
    """
    limits = limits or Limits()
    if is_pdf(path):
        page, pages, said = first_page(path, limits)
        notes = " ".join(filter(None, (said, tones.nearly_one_colour(page))))
        return PhotoFacts("PDF", "application/pdf", *page.size, pages, notes), page
    try:
        return _decoded(path, path, limits, side)
    except BrokenPhoto:
        cut = mended(path)
        if cut is None:
            raise
    return _decoded(cut[0], path, limits, side, cut[1])


def load_rgb(path: Path, limits: Limits | None = None, side: int | None = None) -> Image.Image:
    """Return the whole photo, as shown, in RGB. Arguments and errors are those of `read`."""
    return read(path, limits, side)[1]


def inspect(path: Path, limits: Limits | None = None) -> tuple[PhotoFacts, bytes]:
    """Decode the whole photo; return its facts, and a JPEG of at most 1600 px to show.

    Raises as `read` does.
    """
    facts, image = read(path, limits)
    return facts, _jpeg(image, VIEW_SIDE, 1.25, 88)


def verify(path: Path, limits: Limits | None = None) -> PhotoFacts:
    """Decode the file to its end; return its facts.

    A JPEG is decoded at an eighth of its size: all its data are read, at a third of the time.
    Raises as `read` does.
    """
    return read(path, limits, 1)[0]


def thumbnail(path: Path, side: int, limits: Limits | None = None) -> bytes:
    """Return the whole photo as a JPEG of at most `side` pixels. Raises as `read` does."""
    return _jpeg(read(path, limits, 2 * side)[1], side, 2.0, 85)


def _jpeg(image: Image.Image, side: int, gap: float, quality: int) -> bytes:
    image.thumbnail((side, side), Image.Resampling.BICUBIC, reducing_gap=gap)
    view = io.BytesIO()
    image.save(view, "JPEG", quality=quality, comment=b"")  # Pillow would keep the file's own
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


def _decoded(
    source: Path | bytes, path: Path, limits: Limits, side: int | None, *notes: str | None
) -> tuple[PhotoFacts, Image.Image]:
    """Decode a file, or its bytes; `path` is the file that they came from."""
    with opened(source, limits) as file:
        said, frames = _frames(file)
        size, deep = file.size, tones.is_deep(file)
        scalable = file.format in {"JPEG", "MPO"}
        if side is not None and scalable:  # others would give a thumbnail from within the file
            file.draft(None, (side, side))
        file.load()
        if not scalable and file.size != size:  # HEIC: only decoding shows the true size
            check_size(size := file.size, limits)
        decoded, toned = file.size, tones.deepen(file, path) if deep else None
        with contextlib.suppress(Exception):  # a photo with damaged EXIF is still a photo
            ImageOps.exif_transpose(file, in_place=True)
        turned = file.size != decoded
        image, own = _to_rgb(file)
        notes = (*notes, said, toned, *own, tones.nearly_one_colour(image))
        return _facts(file, size[::-1] if turned else size, frames, notes), image


def _to_rgb(image: Image.Image) -> tuple[Image.Image, tuple[str | None, ...]]:
    """Return RGB over white, and notes on how its tones and colours were understood."""
    toned = None
    if image.mode in tones.GREY:
        profile = image.info
        image, toned = tones.grey(image)
        image.info = {k: v for k, v in profile.items() if k == "icc_profile"}
    layer, coloured = colours.to_rgb(image)
    if layer.mode == "RGB":
        return layer, (toned, coloured)
    shown = Image.new("RGB", layer.size, "white")
    shown.paste(layer, mask=layer)  # in place: a large photo would not fit in several copies
    return shown, (toned, coloured)


def _frames(file: ImageFile.ImageFile) -> tuple[str | None, int]:
    """Return a note on which of several pictures is shown, and how many there are."""
    frames = int(getattr(file, "n_frames", 1))
    if frames == 1 or file.format == "MPO":
        return None, 1
    if file.format == HEIF:
        return f"The file has {frames} photos: its main one is used.", frames
    file.seek(0)
    if file.format == "TIFF":
        return f"The file has {frames} pages: the first is used.", frames
    if getattr(file, "default_image", False):  # of a PNG: it stands for what cannot move
        moving = f"{frames - 1} frame{'s' * (frames > 2)}"
        return f"The photo is animated ({moving}): its still picture, none of them, is used.", (
            frames - 1
        )
    return f"The photo is animated ({frames} frames): the first frame is used.", frames


def _facts(
    file: ImageFile.ImageFile,
    size: tuple[int, int],
    frames: int,
    notes: tuple[str | None, ...],
) -> PhotoFacts:
    kind, content_type = str(file.format), file.get_format_mimetype()
    if kind == "MPO":
        kind, content_type = "JPEG", "image/jpeg"
    if kind == HEIF and str(content_type).startswith("image/heic"):
        kind = "HEIC"
    note = " ".join(note for note in notes if note) or None
    content_type = content_type or "application/octet-stream"
    return PhotoFacts(kind, content_type, *size, frames, note)
