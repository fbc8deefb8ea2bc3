"""Import of models: a checkpoint and its card."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from functools import partial
from pathlib import Path

from fastapi import APIRouter, Request, Response, status
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser

from app.core.errors import Conflict, TooLarge, Unprocessable
from app.core.settings import MIB
from app.db import models as rows
from app.db.tables import ModelCard
from app.storage.blobs import flush, no_space_is_disk_full
from app.training import control
from app.training.models import importing
from app.web.http.arrival import Arrival
from app.web.http.deps import StateDep, WriteSession
from app.web.http.parameters import a_file, errors, multipart
from app.web.http.principal import Admin, Audit, Principal, record
from app.web.http.schemas import API
from app.web.http.state import AppState, app_state
from app.web.models.find import ModelId, find_model
from app.web.models.schemas import Model, ModelDefault, PublishImport

router = APIRouter(prefix="/models", tags=["models"])
MOST_BYTES = 256 * MIB
MOST_CARD = 4 * MIB
OVERHEAD = 64 * 1024  # boundaries and headers around the two files
WAIT_SECONDS = 60.0
CHUNK = MIB
MISSING = (
    "Send multipart/form-data with the fields `checkpoint` (safetensors) and `card` (its JSON), "
    "for example `curl -F checkpoint=@l2pa.safetensors -F card=@l2pa.json ...`."
)
FORM = multipart(["checkpoint", "card"], checkpoint=a_file(), card=a_file())


@router.post(
    "/import",
    status_code=status.HTTP_201_CREATED,
    summary="Import a checkpoint",
    responses=errors(400, 401, 403, 408, 413, 503, 507),
    openapi_extra=FORM,
)
async def import_model(
    request: Request, response: Response, web: StateDep, principal: Admin
) -> Model:
    """Add a network that was trained elsewhere; returns its card, private until it is published.

    Only safetensors and its JSON, as `checkpoint` and `card` of a run give them. 503 if no worker
    has loaded it within a minute; it appears in the list of models once one has.
    """
    model = await _receive(request, web, principal)
    response.headers["Location"] = f"{API}/models/{model.id}"
    return Model.model_validate(model.card)


@router.post(
    "/{model_id}/publish",
    summary="Publish an imported model",
    responses=errors(400, 401, 403, 404, 409),
)
def publish(
    model_id: ModelId, body: PublishImport, session: WriteSession, principal: Admin, audit: Audit
) -> Model:
    """Show an imported model to everybody, who can then choose it; returns its card."""
    row = find_model(session, model_id, principal.viewer)
    model = importing.publish(session, row, body.title)
    audit("model.publish", model_id, title=model.card["title"])
    return Model.model_validate(model.card)


@router.post(
    "/{model_id}/default",
    summary="Choose whether a model is a default",
    responses=errors(400, 401, 403, 404, 409),
)
def choose_default(
    model_id: ModelId, body: ModelDefault, session: WriteSession, principal: Admin, audit: Audit
) -> Model:
    """Put a model into the table of whoever names no models, or take it out; returns its card.

    409 for an import that is not published.
    """
    row = find_model(session, model_id, principal.viewer)
    if rows.PRIVATE in row.card:
        raise Conflict("Publish the model first; only then can it be a default for everybody.")
    model = rows.set_default(session, row, default=body.default)
    action = "model.default" if body.default else "model.no-default"
    audit(action, model_id, title=model.card["title"])
    return Model.model_validate(model.card)


@router.delete(
    "/{model_id}",
    status_code=status.HTTP_204_NO_CONTENT,
    summary="Take a model out of the table",
    responses=errors(401, 403, 404, 409),
)
def remove(
    model_id: ModelId, session: WriteSession, web: StateDep, principal: Admin, audit: Audit
) -> None:
    """Remove an imported model, or unpublish a run's. 409 for a shipped one."""
    row = find_model(session, model_id, principal.viewer)
    source = row.card.get("source")
    if not source:
        raise Conflict("This model comes with Sightline and cannot be removed.")
    if source["kind"] == "run":
        control.unpublish(session, control.find_run(session, source["run_id"]))
        audit("run.unpublish", source["run_id"], model=model_id, title=row.card["title"])
    else:
        importing.remove(session, web.blobs, row)
        audit("model.remove", model_id, title=row.card["title"])


async def _receive(request: Request, web: AppState, principal: Principal) -> ModelCard:
    parser = MultiPartParser(request.headers, _limited(request), max_files=2, max_fields=8)
    try:
        form = await parser.parse()
    except (MultiPartException, KeyError):
        raise Unprocessable(MISSING) from None
    checkpoint, card = form.get("checkpoint"), form.get("card")
    try:
        if not isinstance(checkpoint, UploadFile) or not isinstance(card, UploadFile):
            raise Unprocessable(MISSING)
        if (card.size or 0) > MOST_CARD:
            raise TooLarge(f"The card is larger than {MOST_CARD // MIB} MB.")
        text = await card.read()
        path = web.blobs.incoming()
        try:
            await run_in_threadpool(_write, checkpoint, path)
            received = await run_in_threadpool(_queue, request, web, principal, path, text)
        finally:
            path.unlink(missing_ok=True)
    finally:
        await form.close()
    wait = partial(importing.outcome, web.readers, received, WAIT_SECONDS)
    return await run_in_threadpool(wait)


async def _limited(request: Request) -> AsyncGenerator[bytes, None]:
    """Yield the body; TooLarge once it exceeds the limit."""
    received, arrival = 0, Arrival(request, app_state(request).settings)
    while chunk := await arrival.read():
        received += len(chunk)
        if received > MOST_BYTES + MOST_CARD + OVERHEAD:
            raise TooLarge(f"The checkpoint is larger than {MOST_BYTES // MIB} MB.")
        yield chunk


def _write(upload: UploadFile, path: Path) -> None:
    with no_space_is_disk_full(), path.open("wb") as file:
        while chunk := upload.file.read(CHUNK):
            file.write(chunk)
        flush(file)


def _queue(
    request: Request, web: AppState, principal: Principal, path: Path, card: bytes
) -> importing.Received:
    with web.sessions.begin() as session:
        received = importing.receive(session, web.blobs, path, card, principal.user_id or "")
        facts = {"title": received.title, "sha256": received.sha256}
        record(session, request, principal, "model.import", received.model_id, **facts)
    return received
