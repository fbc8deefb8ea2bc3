"""Datasets: import images or clips, follow the import, look at them, delete."""

from __future__ import annotations

from collections.abc import AsyncIterator
from functools import partial
from typing import Annotated, Literal

import anyio
from fastapi import APIRouter, Header, Path, Query, Request, Response, status
from fastapi.sse import EventSourceResponse, ServerSentEvent

from app.core.errors import Conflict
from app.datasets.deletion import delete_dataset, discard_files
from app.datasets.importing import folders
from app.datasets.importing.encodings import TITLES
from app.datasets.receive import IncomingArchive, check_room, too_large
from app.db import datasets as rows
from app.jobs.service import request_cancel
from app.media.uploads import dropped
from app.web.datasets import images, present, schemas
from app.web.datasets.create import add, name_of_archive, options_of
from app.web.datasets.find import ReadableDataset, TrainableDataset
from app.web.http import pagination, sse
from app.web.http.deps import ReadSession, StateDep, WriteSession
from app.web.http.identity import address_of
from app.web.http.multipart import FileStream
from app.web.http.parameters import (
    Cursor,
    Limit,
    PathId,
    a_file,
    binary,
    errors,
    errors_of_stream,
    multipart,
)
from app.web.http.principal import Audit, Principal, Reader, Trainer, record
from app.web.http.proxies import network
from app.web.http.schemas import Page
from app.web.http.state import AppState

router = APIRouter(prefix="/datasets", tags=["datasets"])
MISSING = (
    "Send the archive as multipart/form-data in a field called `file`, for example "
    "`curl -H 'Authorization: Bearer TOKEN' -F file=@photos.zip .../api/v1/datasets`."
)
SIZES = {"160px": "160 px", "320px": "320 px", "full": "full size"}
FORM = multipart(
    ["file"],
    file=a_file("A ZIP, or a TAR as it is or packed by gzip, xz, bzip2."),
    name={"type": "string", "maxLength": 120},
    val_share={"type": "number", "default": 0.2},
    seed={"type": "integer", "default": 0},
    review={"type": "boolean", "default": False},
    encoding={"type": "string", "enum": [*TITLES]},
)


@router.post(
    "",
    status_code=status.HTTP_202_ACCEPTED,
    summary="Upload a dataset",
    responses=errors(400, 401, 403, 408, 413, 415, 429, 507),
    openapi_extra=FORM,
)
async def upload(
    request: Request, response: Response, web: StateDep, principal: Trainer
) -> schemas.Dataset:
    """Send an archive of `train/CLASS/*.jpg` and `val/CLASS/*.jpg`, or of `CLASS/*.jpg`.

    In the second case the server splits each class, by content. The import is a job; follow it by
    its events. With `review` it is `paused` once all is read: get its plan, then confirm it. Else
    what could be read in several ways fails, with a sentence. No file is extracted under its own
    name, and images are decoded in a sandbox.
    """
    declared = request.headers.get("content-length", "")
    limit = web.settings.max_archive_bytes
    stream = FileStream(request, web.settings, limit, MISSING, too_large)
    check_room(web.blobs, web.settings, int(declared) if declared.isdecimal() else 0)
    with dropped(IncomingArchive(web.blobs, web.settings)) as file:
        with web.arrivals.place(stream.arrival, principal.actor, network(address_of(request))):
            filename = await stream.open()
            await stream.pour(file.write, web.uploads)
        store = partial(_store, web, request, principal, file, stream.fields, filename)
        dataset = await anyio.to_thread.run_sync(store, limiter=web.uploads)
    response.headers["Location"] = dataset.links.self
    return dataset


def _store(
    web: AppState,
    request: Request,
    principal: Principal,
    file: IncomingArchive,
    fields: dict[str, str],
    filename: str,
) -> schemas.Dataset:
    """Run in a thread."""
    file.finish()
    options = options_of(fields)
    with web.sessions.begin() as session:
        name = options.name or name_of_archive(filename)
        row = add(session, "archive", name, principal.name, options)
        file.keep(session, row.id)
        record(session, request, principal, "dataset.create", row.id, name=row.name)
        return present.dataset(row)


@router.post(
    "/from-folder",
    status_code=status.HTTP_202_ACCEPTED,
    summary="Use a folder on the server",
    responses=errors(400, 401, 403, 404),
)
def from_folder(
    body: schemas.FromFolder,
    response: Response,
    session: WriteSession,
    web: StateDep,
    principal: Trainer,
    audit: Audit,
) -> schemas.Dataset:
    """Read a folder under SIGHTLINE_DATA in place; `/datasets/folders` lists them."""
    root = folders.allowed_root(web.settings)
    path = folders.inside(root, body.folder)
    folder = path.relative_to(root).as_posix()
    row = add(session, "folder", body.name or folder, principal.name, body, folder=folder)
    audit("dataset.create", row.id, name=row.name, folder=folder)
    response.headers["Location"] = (dataset := present.dataset(row)).links.self
    return dataset


@router.post(
    "/imagenette",
    status_code=status.HTTP_202_ACCEPTED,
    summary="Download Imagenette",
    responses=errors(400, 401, 403),
)
def from_imagenette(
    body: schemas.FromImagenette,
    response: Response,
    session: WriteSession,
    principal: Trainer,
    audit: Audit,
) -> schemas.Dataset:
    """Ten classes of ImageNet, by torchvision; the worker needs network access."""
    name = body.name or f"Imagenette {SIZES[body.size]}"
    row = add(session, "imagenette", name, principal.name, schemas.Options(), size=body.size)
    audit("dataset.create", row.id, name=row.name, size=body.size)
    response.headers["Location"] = (dataset := present.dataset(row)).links.self
    return dataset


@router.get("", summary="List the datasets", responses=errors(401, 403))
def list_datasets(
    session: ReadSession, _: Reader, limit: Limit = 20, cursor: Cursor = None
) -> Page[schemas.Dataset]:
    """All datasets, newest first."""
    datasets, following = pagination.fetch(partial(rows.page, session), limit, cursor)
    return Page(items=[present.dataset(row) for row in datasets], next=following)


@router.get("/folders", summary="List the folders that can be used", responses=errors(401, 403))
def list_folders(web: StateDep, _: Reader) -> Page[str]:
    """Folders under SIGHTLINE_DATA that have classes with images; all in one part."""
    return Page(items=folders.dataset_folders(web.settings))


@router.get("/{dataset_id}", summary="A dataset", responses=errors(401, 403, 404))
def get_dataset(dataset: ReadableDataset) -> schemas.Dataset:
    """The progress of its import, its classes, and what was left out."""
    return present.dataset(dataset)


@router.get(
    "/{dataset_id}/images/{split}/{index}",
    response_class=Response,
    summary="An image of a dataset",
    responses={
        200: binary("image/jpeg", "At most 96, 224 or 1600 pixels, upright."),
        304: {},
        **errors(401, 403, 404, 503),
    },
)
def get_image(
    dataset_id: PathId,
    _: ReadableDataset,
    split: Literal["train", "val"],
    index: Annotated[int, Path(ge=0, le=10_000_000, description="Its index in the split.")],
    request: Request,
    web: StateDep,
    size: Annotated[Literal["96", "224", "full"], Query(description="Longest side.")] = "224",
) -> Response:
    """A JPEG that never changes. Images are sorted by class."""
    return images.respond(web, request, dataset_id, split, index, size)


@router.get(
    "/{dataset_id}/events",
    response_class=EventSourceResponse,
    summary="Follow an import",
    responses=errors_of_stream(401, 403, 404),
)
async def events(
    request: Request,
    web: StateDep,
    dataset: ReadableDataset,
    last_event_id: Annotated[
        int, Header(description="The last revision received; only newer ones follow.")
    ] = -1,
) -> AsyncIterator[ServerSentEvent]:
    """Server-sent events: `id` is the revision, `event` is `dataset`, `data` the dataset."""
    if request.scope.get("head"):
        return
    make = partial(_event, web, dataset.id)
    async for event in sse.follow_row(web.watched_datasets, dataset.id, make, last_event_id):
        yield event


def _event(web: AppState, dataset_id: str) -> ServerSentEvent | None:
    with web.readers() as session:
        if (row := rows.get(session, dataset_id)) is None:
            return None
        body = present.dataset(row)
    return sse.revision_event("dataset", body)


@router.post("/{dataset_id}/cancel", summary="Stop an import", responses=errors(401, 403, 404, 409))
def cancel(
    dataset: TrainableDataset, session: WriteSession, web: StateDep, audit: Audit
) -> schemas.Dataset:
    """Stop an import within a second; its files are removed, its row stays."""
    if not request_cancel(session, dataset.job):
        raise Conflict(f"The import has ended already: it has {dataset.job.state}.")
    discard_files(session, web.blobs, dataset.id)
    audit("dataset.cancel", dataset.id, name=dataset.name)
    return present.dataset(dataset)


@router.delete(
    "/{dataset_id}",
    status_code=status.HTTP_204_NO_CONTENT,
    summary="Delete a dataset",
    responses=errors(401, 403, 404, 409),
)
def remove(dataset: TrainableDataset, session: WriteSession, web: StateDep, audit: Audit) -> None:
    """Remove it with all its files (not those of a folder in place), also while it is imported."""
    delete_dataset(session, web.blobs, dataset)
    audit("dataset.delete", dataset.id, name=dataset.name)
