"""The models, methods and training that this worker offers, as rows that the web reads."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import cast

from sqlalchemy.orm import Session, sessionmaker

from app.db import capabilities
from app.db import models as rows
from app.db.documents import Card
from app.storage.blobs import BlobStore
from app.training.files import published_key
from ml.catalogue import CatalogueEntry
from ml.explain.methods import described
from ml.train.form import form


def publish(sessions: sessionmaker[Session], entries: Mapping[str, CatalogueEntry]) -> None:
    """Write a row a model; rows that are right already stay untouched."""
    cards = [entry.card() for entry in entries.values()]
    with sessions.begin() as session:
        rows.publish(session, cast("list[Card]", cards))


def offer_methods(sessions: sessionmaker[Session]) -> None:
    """Write the explanation methods: what they are called, and what they show."""
    with sessions.begin() as session:
        capabilities.put(session, capabilities.METHODS, described())


def offer_training(sessions: sessionmaker[Session], weights: Sequence[Path]) -> None:
    """Write the launch form: mechanisms, their parameters, and everything else of a run.

    weights: folders that may hold the ImageNet weights.
    """
    offered = form(weights)
    with sessions.begin() as session:
        capabilities.put(session, capabilities.TRAINING, offered)


def find_published(
    readers: sessionmaker[Session], blobs: BlobStore, model_id: str
) -> CatalogueEntry | None:
    """Return a model that an admin has published (trained here, or imported), or None."""
    with readers() as session:
        row = rows.get(session, model_id, rows.SERVER)
    key = None if row is None else published_key(row.card)
    if row is None or key is None:
        return None
    about = json.loads(blobs.path(key).with_suffix(".json").read_text(encoding="utf-8"))
    return CatalogueEntry(
        id=row.id,
        position=row.position,
        title=row.card["title"],
        mechanism=row.card["mechanism"],
        checkpoint_sha256=row.checkpoint_sha256,
        path=blobs.path(key),
        about=about,
    )
