"""Images of datasets, or posters of clips, as small JPEGs, made by the decoder and stored."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from app.core.errors import BadMedia, DiskFull, NotFound, TooLarge
from app.datasets.index import Image, Index, load
from app.storage import keys
from app.web.http.caching import PRIVATE_IMMUTABLE, matches, reply
from app.web.http.state import AppState

SIDES = {"96": 96, "224": 224, "full": 1600}
STORED = {"96", "224"}


def respond(
    web: AppState, request: Request, dataset_id: str, split: str, number: int, size: str
) -> Response:
    """Return one image of at most `size` pixels a side; NotFound if there is none."""
    index = load(web.blobs, dataset_id)
    images = index.split(split)
    if number >= len(images):
        raise NotFound(f"The {split} split has the images 0 to {len(images) - 1}.")
    image = images[number]
    headers = {"Cache-Control": PRIVATE_IMMUTABLE}
    etag = f"{image.sha256}-{size}"
    if matches(request, etag):
        return Response(status_code=304, headers={**headers, "ETag": f'"{etag}"'})
    content = _content(web, index, image, size)
    return reply(request, content, "image/jpeg", etag=etag, headers=headers)


def _content(web: AppState, index: Index, image: Image, size: str) -> bytes:
    key = keys.dataset_view(index.dataset_id, image.n, size)
    if size in STORED and web.blobs.exists(key):
        return web.blobs.get(key)
    path = index.path(web.blobs, web.settings, image)
    if not path.is_file():
        raise NotFound("The image is gone from the server's disk: import the dataset again.")
    try:
        content = web.decoder.thumbnail(path, SIDES[size], clip=image.seconds is not None)
    except (BadMedia, TooLarge) as error:  # a folder in place may have changed
        raise NotFound(f"The image cannot be read any more. {error.detail}") from None
    if size in STORED:
        _store(web, key, content)
    return content


def _store(web: AppState, key: str, content: bytes) -> None:
    try:
        web.blobs.put(key, content)
    except DiskFull:
        return  # it is made again next time
