"""The models that an admin has published: trained here, or imported."""

from __future__ import annotations

import json

from sqlalchemy.orm import Session, sessionmaker

from app.db import models as rows
from app.storage.blobs import BlobStore
from app.training.files import published_key
from ml.catalogue import Entry


def find(readers: sessionmaker[Session], blobs: BlobStore, model_id: str) -> Entry | None:
    """Return a published model as it is offered now, or None."""
    with readers() as session:
        row = rows.get(session, model_id)
    key = None if row is None else published_key(row.card)
    if row is None or key is None:
        return None
    about = json.loads(blobs.path(key).with_suffix(".json").read_text(encoding="utf-8"))
    return Entry(
        id=row.id,
        position=row.position,
        title=row.card["title"],
        mechanism=row.card["mechanism"],
        checkpoint_sha256=row.checkpoint_sha256,
        path=blobs.path(key),
        about=about,
    )
