"""The first page of a PDF as a picture."""

from __future__ import annotations

from pathlib import Path

from PIL import Image

from ml.media.opening import BrokenPhoto, Limits, check_size

LONGER_SIDE = 2000  # px of the picture: a page has no pixels of its own


def is_pdf(path: Path) -> bool:
    """Return whether the file begins as PDFs do."""
    with path.open("rb") as file:
        return file.read(5) == b"%PDF-"


def first_page(path: Path, limits: Limits) -> tuple[Image.Image, int, str]:
    """Draw the first page.

    Args:
        path: The PDF.
        limits: Of the picture.

    Returns:
        The picture, RGB over white; how many pages there are; and a note that says so.

    Raises:
        BrokenPhoto: It is damaged, has a password, no page, or one that is next to a line.
    """
    import pypdfium2  # few photos need it

    side = min(LONGER_SIDE, limits.max_side)
    try:
        with pypdfium2.PdfDocument(path.read_bytes()) as document:
            pages = len(document)
            page = document[0]
            width, height = page.get_size()
            scale = side / max(width, height)
            check_size((round(width * scale), round(height * scale)), limits)
            image = page.render(scale=scale).to_pil().convert("RGB")
    except (pypdfium2.PdfiumError, IndexError, ZeroDivisionError):
        raise BrokenPhoto(
            "This PDF cannot be opened: it is damaged, or asks for a password. Save its page as "
            "PNG or JPEG, and use that."
        ) from None
    size = f"drawn at {image.width} x {image.height} pixels"
    if pages == 1:
        return image, pages, f"The PDF's page is {size}."
    return image, pages, f"The PDF has {pages} pages: the first is used, {size}."
