"""Queries on what workers offer besides models."""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm import Session

from app.db.tables import utcnow
from app.db.training_tables import Offer
from app.db.upsert import insert_new

TRAINING = "training"  # the launch form
METHODS = "methods"  # name -> {title, kind, description, ...}; see ml.explain.methods


def put(session: Session, key: str, value: dict[str, Any]) -> None:
    """Offer this from now on; what is offered already stays untouched."""
    insert_new(session, Offer, [{"key": key, "value": value, "updated_at": utcnow()}])
    row = session.get_one(Offer, key)
    if row.value != value:
        row.value, row.updated_at = value, utcnow()
        session.flush()


def get(session: Session, key: str) -> dict[str, Any] | None:
    """Return what was offered last, or None."""
    row = session.get(Offer, key)
    return None if row is None else row.value
