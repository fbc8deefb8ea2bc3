"""Photos and clips: upload, download, list, delete."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Literal
from urllib.parse import quote

import anyio
from fastapi import APIRouter, Request, Response, status
from starlette.concurrency import run_in_threadpool

from app.core.errors import Conflict, NotFound
from app.db import media as rows
from app.db.garbage import analyses_of
from app.db.hooks import after_commit
from app.jobs import service
from app.jobs.parameters import MakePlayableJob
from app.media.deletion import delete_media
from app.media.quota import check_uploads
from app.media.retention import delete_all_of
from app.media.uploads import IncomingMedia, dropped
from app.storage import keys
from app.web.http import pagination
from app.web.http.caching import PRIVATE_IMMUTABLE, matches, reply
from app.web.http.deps import KnownVisitor, ReadSession, StateDep, Visitor, WriteSession
from app.web.http.identity import address_of
from app.web.http.limits import limits
from app.web.http.multipart import MediaStream
from app.web.http.parameters import Cursor, Limit, PathId, a_file, binary, errors, multipart
from app.web.http.principal import Audit, may_take_down
from app.web.http.proxies import network
from app.web.http.ranges import RangedFile
from app.web.http.schemas import Page
from app.web.http.state import AppState
from app.web.media import present, schemas
from app.web.media.find import MediaDep, find_media
from app.web.media.thumbnail import thumbnail

router = APIRouter(prefix="/media", tags=["media"])
FORM = multipart(["file"], file=a_file("A photo (JPEG, PNG ...) or a clip (MP4, MOV ...)."))
SANDBOX = "sandbox; default-src 'none'"
GONE = "The file behind this is gone from the server's disk."
PLAYED_AS = {"video/quicktime": "video/mp4"}  # browsers play it, but not under its own name


@router.post(
    "",
    status_code=status.HTTP_201_CREATED,
    summary="Upload a photo or a clip",
    responses={
        200: {"model": schemas.Media, "description": "This visitor's same file, as stored."},
        **errors(400, 403, 408, 413, 415, 429, 503, 507),
    },
    openapi_extra=FORM,
)
async def upload(
    request: Request, response: Response, web: StateDep, visitor: Visitor
) -> schemas.Media:
    """Send the photo or clip as multipart/form-data in a field called `file`.

    Its content decides what it is. A photo is decoded completely before it is accepted, a large
    clip in part; rejected files are not stored. A file that this visitor has sent before under
    the same name is not stored twice. `note` says what was guessed or left out in reading it. If
    browsers cannot play a clip, a copy is made that they can.
    """
    await run_in_threadpool(_admit, web, request, visitor)
    stream = MediaStream(request, web.settings)
    with dropped(IncomingMedia(web.blobs, web.decoder, web.settings)) as file:
        with web.arrivals.place(stream.arrival, visitor, network(address_of(request))):
            filename = await stream.open()
            await stream.pour(file.write, web.uploads)
        store = partial(_store, web, file, filename, visitor)
        medium = await anyio.to_thread.run_sync(store, limiter=web.uploads)
    response.headers["Location"] = medium.links.self
    response.status_code = status.HTTP_200_OK if medium.stored else status.HTTP_201_CREATED
    return medium


def _admit(web: AppState, request: Request, owner: str) -> None:
    """Count an upload; TooMany, or QuotaFull if the owner keeps enough."""
    limit = web.settings.uploads_per_minute
    web.limiter.count(limits("upload", request, owner, limit), "uploads")
    with web.readers() as session:
        check_uploads(session, web.settings, owner)


def _store(web: AppState, file: IncomingMedia, filename: str, owner: str) -> schemas.Media:
    """Run in a thread; no session is open while the file is decoded."""
    arrived = file.inspect(filename)
    with web.sessions.begin() as session:
        if (same := arrived.same(session, owner)) is not None:
            return present.media(same, stored=True)
        check_uploads(session, web.settings, owner, arrived.size)
        medium = arrived.keep(session, owner)
        if medium.playable == "waiting":
            service.enqueue(session, MakePlayableJob(media_id=medium.id), owner=owner)
        return present.media(medium)


@router.get("", summary="List your photos and clips", responses=errors())
def list_media(
    session: ReadSession, visitor: KnownVisitor, limit: Limit = 20, cursor: Cursor = None
) -> Page[schemas.Media]:
    """This visitor's photos and clips, newest first."""
    fetch = partial(rows.page, session, visitor or "")
    media, following = pagination.fetch(fetch, limit, cursor)
    return Page(items=[present.media(row) for row in media], next=following)


@router.get("/{media_id}", summary="A photo's or clip's record", responses=errors(404))
def get_media(media: MediaDep) -> schemas.Media:
    """Size, format, hash and links of a photo or clip."""
    return present.media(media)


@router.get(
    "/{media_id}/content",
    response_class=Response,
    summary="The file as it was uploaded",
    responses={200: binary("image/*", "The file, byte by byte."), 304: {}, **errors(404)},
)
def get_content(media: MediaDep, request: Request, web: StateDep) -> Response:
    """The original, with the content type found by decoding; never executed as a page."""
    disposition = f"inline; filename*=UTF-8''{quote(media.filename, safe='')}"
    headers = {"Content-Disposition": disposition, "Content-Security-Policy": SANDBOX}
    return _file(request, web.blobs.path(media.blob_key), media.content_type, media.sha256, headers)


@router.get(
    "/{media_id}/view",
    response_class=Response,
    summary="The photo as a JPEG to show, or a clip's poster",
    responses={200: binary("image/jpeg", "At most 1600 pixels, upright."), 304: {}, **errors(404)},
)
def get_view(
    media: MediaDep, request: Request, web: StateDep, size: Literal["224", "full"] = "full"
) -> Response:
    """At most 1600 pixels wide or high, or `size`, and upright; of a clip, a middle frame."""
    path = web.blobs.path(media.view_key)
    if size == "full":
        return _file(request, path, "image/jpeg", f"{media.sha256}-view", {})
    etag = f"{media.sha256}-view-{size}"
    headers = {"Cache-Control": PRIVATE_IMMUTABLE}
    if matches(request, etag):
        return Response(status_code=304, headers={**headers, "ETag": f'"{etag}"'})
    try:
        content = thumbnail(path)
    except FileNotFoundError:
        raise NotFound(GONE) from None
    return reply(request, content, "image/jpeg", etag=etag, headers=headers)


@router.get(
    "/{media_id}/playable",
    response_class=Response,
    summary="A clip as browsers play it",
    responses={
        200: binary("video/mp4", "The file as it came, or a copy in H.264 without sound."),
        206: {"description": "The part that was asked for with `Range`."},
        304: {},
        **errors(400, 404, 409, 416),
    },
)
def get_playable(media: MediaDep, request: Request, web: StateDep) -> Response:
    """Supports `Range`. The medium's `playable` tells whether a copy is still being made."""
    if media.kind != "clip":
        raise NotFound("This is a photo, not a clip: look at it under /view.")
    if media.playable == "waiting":
        raise Conflict(
            "A copy of the clip that browsers play is being made; try again in a few seconds."
        )
    if media.playable == "failed":
        raise NotFound(
            "No copy of the clip could be made that browsers play. Its analyses work all the "
            "same; to see it move, save it as MP4 (H.264) and upload that."
        )
    headers = {"Content-Security-Policy": SANDBOX}
    if media.playable == "original":
        kind = PLAYED_AS.get(media.content_type, media.content_type)
        return _file(request, web.blobs.path(media.blob_key), kind, media.sha256, headers)
    assert media.playable_key is not None
    etag = f"{media.sha256}-playable"
    return _file(request, web.blobs.path(media.playable_key), "video/mp4", etag, headers)


@router.get(
    "/{media_id}/times",
    response_model=schemas.FrameTimes,
    summary="When each frame of a clip is shown",
    responses={304: {}, **errors(404)},
)
def get_times(media: MediaDep, request: Request, web: StateDep) -> Response:
    """The times of its frames in seconds from the first, also at a variable rate."""
    if media.kind != "clip":
        raise NotFound("This is a photo, not a clip: it has one frame.")
    path = web.blobs.path(keys.frame_times(media.id))
    return _file(request, path, "application/json", f"{media.sha256}-times", {})


def _file(
    request: Request, path: Path, media_type: str, etag: str, headers: dict[str, str]
) -> Response:
    """Serve a file that never changes."""
    tagged = {**headers, "Cache-Control": PRIVATE_IMMUTABLE, "ETag": f'"{etag}"'}
    if matches(request, etag):
        return Response(status_code=304, headers=tagged)
    try:
        facts = path.stat()
    except FileNotFoundError:
        raise NotFound(GONE) from None
    return RangedFile(path, headers=tagged, media_type=media_type, stat_result=facts)


@router.delete(
    "",
    status_code=status.HTTP_204_NO_CONTENT,
    summary="Delete everything of yours",
    responses=errors(),
)
def remove_all(visitor: KnownVisitor, web: StateDep) -> None:
    """Remove every photo and clip of this visitor, and every analysis."""
    if visitor is not None:
        delete_all_of(web.sessions, web.blobs, visitor)


@router.delete(
    "/{media_id}",
    status_code=status.HTTP_204_NO_CONTENT,
    summary="Delete a photo or clip and its analyses",
    responses=errors(403, 404),
)
def remove_media(
    media_id: PathId, session: WriteSession, visitor: KnownVisitor, web: StateDep, audit: Audit
) -> None:
    """Remove it, every analysis of it and all their files. For its owner, and for admins."""
    row = find_media(session, media_id)
    if may_take_down(row.owner, visitor, audit.principal):
        audit("takedown.upload", media_id, file=row.filename, owner=row.owner)
    for analysis in analyses_of(session, row.id):
        after_commit(session, partial(web.cache.drop, analysis.id))
    delete_media(session, web.blobs, row)
