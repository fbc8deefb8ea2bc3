"""Imports a checkpoint and its card: checked here, loaded and published by a worker."""

from __future__ import annotations

import hashlib
import json
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from sqlalchemy.orm import Session, sessionmaker

from app.core.errors import Busy, SightlineError, Unprocessable
from app.db import jobs as job_rows
from app.db import models
from app.db.hooks import after_commit, after_rollback
from app.db.tables import Job, ModelCard
from app.jobs import service
from app.jobs.parameters import CheckModelJob
from app.jobs.states import TERMINAL, State
from app.storage import keys
from app.storage.blobs import BlobStore
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


def receive(session: Session, blobs: BlobStore, checkpoint: Path, card: bytes) -> Received:
    """Check and store both files and queue the job that loads them.

    Args:
        session: Session that writes; if it is rolled back, the files are removed.
        blobs: Where the files go.
        checkpoint: The weights, a file made by `blobs.incoming`; it is moved.
        card: The JSON beside them.

    Raises:
        Busy: No worker has published its mechanisms.
        Unprocessable: The text says what is wrong with either file.
    """
    about = cards.read(card)
    read_form(session).names([about.mechanism])
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
    job = service.enqueue(session, CheckModelJob(model_id=model_id, title=""))
    return Received(model_id, job.id, digest)


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
            row = models.get(session, received.model_id)
        if job is None or job.state in TERMINAL:
            return _result(job, row)
        time.sleep(POLL_SECONDS)
    raise Busy(SLOW, retry_after=60)


def _result(job: Job | None, row: ModelCard | None) -> ModelCard:
    if job is not None and job.state == State.SUCCEEDED and row is not None:
        return row
    detail = (job.detail if job is not None else None) or "The import was stopped."
    raise SightlineError(detail) if job is None else Unprocessable(detail)


def remove(session: Session, blobs: BlobStore, row: ModelCard) -> None:
    """Take an imported model out of the table; its files go after the commit."""
    models.withdraw(session, row.id)
    after_commit(session, partial(blobs.delete_prefix, keys.import_folder(row.id)))
