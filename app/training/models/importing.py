"""Imports a checkpoint and its card: checked here, loaded by a worker, private until published."""

from __future__ import annotations

import hashlib
import json
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from sqlalchemy.orm import Session, sessionmaker

from app.core.errors import Busy, Conflict, SightlineError, Unprocessable
from app.db import jobs as job_rows
from app.db import models
from app.db.hooks import after_commit, after_rollback
from app.db.tables import Job, ModelCard, utcnow
from app.jobs import service
from app.jobs.parameters import CheckModelJob
from app.jobs.states import TERMINAL, State
from app.storage import keys
from app.storage.blobs import BlobStore
from app.training import titles
from app.training.control import free_id
from app.training.form import read as read_form
from app.training.models import cards, headers

POLL_SECONDS = 0.1
SLOW = "The checkpoint waits for a worker to load it; look at the list of models in a minute."


@dataclass(frozen=True)
class Received:
    """An import whose files are stored and whose job is queued."""

    model_id: str
    job_id: str
    sha256: str
    title: str


def receive(
    session: Session, blobs: BlobStore, checkpoint: Path, card: bytes, user_id: str
) -> Received:
    """Check and store both files and queue the job that loads them.

    Args:
        session: Session that writes; if it is rolled back, the files are removed.
        blobs: Where the files go.
        checkpoint: The weights, a file made by `blobs.incoming`; it is moved.
        card: The JSON beside them.
        user_id: Who imports it; until it is published, only they and admins see it.

    Raises:
        Busy: No worker has published its mechanisms.
        Unprocessable: The text says what is wrong with either file.
    """
    about = cards.read(card)
    form = read_form(session)
    form.names([about.mechanism])
    headers.check(checkpoint)
    with checkpoint.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    if digest != about.checkpoint.sha256:
        raise Unprocessable("card: it belongs to another checkpoint; the hashes differ.")
    about.checkpoint.bytes = checkpoint.stat().st_size
    model_id = free_id(session, None, about.mechanism, partial(_is_stored, blobs))
    after_rollback(session, partial(blobs.delete_prefix, keys.import_folder(model_id)))
    blobs.put_file(keys.imported_model(model_id), checkpoint)
    text = json.dumps(about.model_dump(mode="json"), indent=1, ensure_ascii=False)
    blobs.put(keys.imported_card(model_id), text.encode())
    what, data = form.mechanisms[about.mechanism]["title"], about.training.data or "own data"
    title = titles.automatic(session, what, data)
    check = CheckModelJob(model_id=model_id, title=title, user_id=user_id)
    job = service.enqueue(session, check, owner=f"user:{user_id}")
    return Received(model_id, job.id, digest, title)


def _is_stored(blobs: BlobStore, model_id: str) -> bool:
    """Whether another import has this id already; its worker may not have loaded it yet."""
    return blobs.exists(keys.imported_model(model_id))


def outcome(readers: sessionmaker[Session], received: Received, seconds: float) -> ModelCard:
    """Wait for the worker and return the model.

    Raises:
        Busy: The worker has not loaded it within `seconds`.
        Unprocessable: The worker could not load it.
    """
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        with readers() as session:
            job = job_rows.get(session, received.job_id)
            row = models.get(session, received.model_id, models.SERVER)
        if job is None or job.state in TERMINAL:
            return _result(job, row)
        time.sleep(POLL_SECONDS)
    raise Busy(SLOW, retry_after=60)


def _result(job: Job | None, row: ModelCard | None) -> ModelCard:
    if job is not None and job.state == State.SUCCEEDED and row is not None:
        return row
    detail = (job.detail if job is not None else None) or "The import was stopped."
    raise SightlineError(detail) if job is None else Unprocessable(detail)


def publish(session: Session, row: ModelCard, title: str | None) -> ModelCard:
    """Show an imported model to everybody, to choose; a title of None keeps its own.

    It is no row of the usual table before an admin makes it one.

    Raises:
        Conflict: It is published already, or another model has the title.
    """
    if models.PRIVATE not in row.card:
        raise Conflict("The model is published already.")
    card, source = row.card.copy(), row.card["source"].copy()
    del card[models.PRIVATE]
    source["published_at"] = utcnow().isoformat()
    card.update({"source": source, "default": False})
    if title is not None and title != card["title"]:
        card["title"] = titles.chosen(session, title)
    return models.put(session, card)


def remove(session: Session, blobs: BlobStore, row: ModelCard) -> None:
    """Take an imported model out of the table; its files go after the commit."""
    models.withdraw(session, row.id)
    after_commit(session, partial(blobs.delete_prefix, keys.import_folder(row.id)))
