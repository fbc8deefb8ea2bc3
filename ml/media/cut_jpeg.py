"""A JPEG that ends early: what there is of it can be shown, and how much is missing be said."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from PIL import Image

from ml.media.opening import BrokenPhoto

START, END = b"\xff\xd8\xff", b"\xff\xd9"
PROGRESSIVE, PASS = b"\xff\xc2", b"\xff\xda"  # markers; within coded pixels they cannot occur
MOST = 0.5  # of the picture: with more of it missing, the file is refused
BLANK = 128  # what libjpeg makes of blocks that are not there, in every channel


def mended(path: Path) -> tuple[bytes, str] | None:
    """Return the bytes of a cut JPEG with an end, and a note; None if that is not what it is.

    Raises:
        BrokenPhoto: Most of the picture is missing.
    """
    data = path.read_bytes()
    if not data.startswith(START):
        return None
    try:
        with Image.open(io.BytesIO(data + END), formats=("JPEG",)) as file:
            progressive = bool(file.info.get("progressive"))
            file.draft(None, (1, 1))
            file.load()
            missing = missing_share(np.asarray(file))
    except MemoryError:
        raise
    except Exception:  # noqa: BLE001 (it is damaged in another way)
        return None
    passes = data.count(PASS, data.rfind(PROGRESSIVE)) if progressive else 0
    if missing > MOST or passes == 1:
        lost = "all detail" if passes == 1 else f"{missing:.0%}"
        raise BrokenPhoto(
            f"The file is cut off or damaged: it ends early, and {lost} of the picture is missing. "
            "Save or send it once more."
        )
    return data + END, f"The file ends early: {_in_words(missing, progressive=progressive)}."


def missing_share(pixels: np.ndarray) -> float:
    """Return which share (0..1) at the end of a picture was never decoded.

    Args:
        pixels: uint8 [h, w] or [h, w, channels], one for each block of 8 x 8: of blocks without
            data exactly `BLANK`.
    """
    cells = pixels if pixels.ndim == 3 else pixels[..., None]
    blank = (np.abs(cells.astype(int) - BLANK) <= 1).all(2)
    width = blank.shape[1]
    runs = np.where(blank.all(1), width, blank[:, ::-1].argmin(1))[::-1]  # from the last row up
    whole_rows = int((runs < width).argmax()) if (runs < width).any() else len(runs)
    return float(runs[: whole_rows + 2].sum() / blank.size)  # a row of units is up to two of blocks


def _in_words(missing: float, *, progressive: bool) -> str:
    if missing == 0:
        return "some of its detail may be missing" if progressive else "its last bytes are missing"
    share = "less than 1 %" if missing < 0.01 else f"{100 * missing:.0f} %"
    return f"{share} of the picture, at its bottom, is missing and shown grey"
