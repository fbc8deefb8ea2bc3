"""Queries on the models that workers offer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from app.db.tables import ModelCard, utcnow

SOURCE = "source"  # of a card: where a model that is not shipped comes from
WITHDRAWN = "withdrawn"


def publish(session: Session, cards: Sequence[dict[str, Any]]) -> None:
    """Make the table say exactly these cards, beside those that an admin has published.

    Rows that are right already stay untouched.
    """
    rows = session.scalars(select(ModelCard))
    known = {row.id: row for row in rows if not row.card.get(SOURCE)}
    for card in cards:
        row = known.pop(card["id"], None)
        if row is None or row.card != card:
            put(session, card)
    session.execute(delete(ModelCard).where(ModelCard.id.in_(known)))


def put(session: Session, card: dict[str, Any]) -> ModelCard:
    """Write one model's row."""
    row = session.get(ModelCard, card["id"])
    if row is None:
        row = ModelCard(id=card["id"])
        session.add(row)
    row.position = card["position"]
    row.checkpoint_sha256 = card["checkpoint"]["sha256"]
    row.card = card
    row.updated_at = utcnow()
    session.flush()
    return row


def withdraw(session: Session, model_id: str) -> None:
    """Take a model out of the table; its card stays, for the analyses that asked for it."""
    row = session.get_one(ModelCard, model_id)
    row.card, row.updated_at = {**row.card, WITHDRAWN: True}, utcnow()
    session.flush()


def next_position(session: Session) -> int:
    """Return a row place behind all others."""
    return (session.scalar(select(func.max(ModelCard.position))) or 0) + 1


def all_cards(session: Session) -> list[ModelCard]:
    """Return every model on offer, in the order of the table's rows."""
    return [row for row in known_cards(session) if not row.card.get(WITHDRAWN)]


def known_cards(session: Session) -> list[ModelCard]:
    """Return the same with the models that were on offer once."""
    return list(session.scalars(select(ModelCard).order_by(ModelCard.position, ModelCard.id)))


def get(session: Session, model_id: str) -> ModelCard | None:
    """Return a model on offer, or None."""
    row = session.get(ModelCard, model_id)
    return None if row is None or row.card.get(WITHDRAWN) else row


def cards(session: Session) -> list[dict[str, Any]]:
    """Return the cards of all models, in the order of the table's rows."""
    return [row.card for row in all_cards(session)]


def media_kind(card: Mapping[str, Any]) -> str:
    """Return the kind of media that a model takes: `image` or `clip`."""
    return str(card.get("media", "image"))
