"""Queries on models, which workers publish as cards."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from app.db.documents import Card
from app.db.tables import ModelCard, utcnow

SOURCE: Final = "source"  # key of a card: where a model that is not shipped comes from
WITHDRAWN: Final = "withdrawn"  # key of a card: the model is in the table no more
CHOSEN: Final = "default_chosen"  # key of a card: an admin has set its `default`
PRIVATE: Final = "private_to"  # key of a card: only this user and admins see the model


class Viewer(NamedTuple):
    """Who asks for models; by default a visitor, who sees those that are for everybody."""

    user_id: str | None = None
    admin: bool = False

    def sees(self, card: Card) -> bool:
        """Return True if the model is in the table that this viewer sees."""
        if card.get(WITHDRAWN):
            return False
        return PRIVATE not in card or self.admin or card[PRIVATE] == self.user_id


VISITOR = Viewer()
SERVER = Viewer(admin=True)  # the server itself sees all


def publish(session: Session, cards: Sequence[Card]) -> None:
    """Replace all shipped models by these; those that an admin has published stay.

    Rows that do not change are not written, and what an admin has chosen stays.
    """
    rows = session.scalars(select(ModelCard))
    known = {row.id: row for row in rows if not row.card.get(SOURCE)}
    for published in cards:
        row, card = known.pop(published["id"], None), published
        if row is not None and CHOSEN in row.card:
            card = {**published, "default": row.card.get("default", True), CHOSEN: True}
        if row is None or row.card != card:
            put(session, card)
    session.execute(delete(ModelCard).where(ModelCard.id.in_(known)))


def put(session: Session, card: Card) -> ModelCard:
    """Insert or update one model's row."""
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


def set_default(session: Session, row: ModelCard, *, default: bool) -> ModelCard:
    """Choose whether a model is among those of an analysis that names none."""
    return put(session, {**row.card, "default": default, CHOSEN: True})


def withdraw(session: Session, model_id: str) -> None:
    """Take a model out of the table; its card stays, for stored analyses."""
    row = session.get_one(ModelCard, model_id)
    row.card, row.updated_at = {**row.card, WITHDRAWN: True}, utcnow()
    session.flush()


def next_position(session: Session) -> int:
    """Return a position behind all models."""
    return (session.scalar(select(func.max(ModelCard.position))) or 0) + 1


def all_cards(session: Session, viewer: Viewer = VISITOR) -> list[ModelCard]:
    """Return every model of the viewer's table, in row order."""
    return [row for row in known_cards(session) if viewer.sees(row.card)]


def known_cards(session: Session) -> list[ModelCard]:
    """Return every model, also withdrawn and private ones, in row order."""
    return list(session.scalars(select(ModelCard).order_by(ModelCard.position, ModelCard.id)))


def get(session: Session, model_id: str, viewer: Viewer = VISITOR) -> ModelCard | None:
    """Return a model of the viewer's table, or None."""
    row = session.get(ModelCard, model_id)
    return row if row is not None and viewer.sees(row.card) else None


def cards(session: Session, viewer: Viewer = VISITOR) -> list[Card]:
    """Return the cards of every model of the viewer's table, in row order."""
    return [row.card for row in all_cards(session, viewer)]


def media_kind(card: Card) -> str:
    """Return the kind of media that a model takes: `image` or `clip`."""
    return card.get("media", "image")
