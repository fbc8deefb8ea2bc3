"""What maps lie over: the photo, or the square that it was made small on."""

from __future__ import annotations

import io

from PIL import Image

from app.db.tables import Media
from app.jobs.parameters import AnalysisRequest
from app.web.http.state import AppState

SIDE = 896  # four times what the networks see by default
QUALITY = 90


def seen(web: AppState, medium: Media, request: AnalysisRequest, side: int = SIDE) -> bytes:
    """Return a JPEG: the view of the medium, or with `place` a square of `side` px.

    Made of the view, so a stranger's file is not decoded again. Raises as `Decoder.inspect` does.
    """
    if request.place is None:
        return web.blobs.get(medium.view_key)
    view = web.blobs.path(medium.view_key)
    pixels = web.decoder.pixels(view, side, request.fit, request.place.numbers)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=QUALITY)
    return file.getvalue()
