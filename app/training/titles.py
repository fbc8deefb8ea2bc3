"""Titles of models that were trained or imported: unique, with their data and date."""

from __future__ import annotations

from sqlalchemy.orm import Session

from app.core.errors import Conflict
from app.db import models
from app.db.tables import utcnow

MOST_DATA = 60  # characters of what a model was trained on
TAKEN = "There is a model titled {!r} already; choose another title."


def automatic(session: Session, what: str, data: str) -> str:
    """Return a free title like `CBAM, flowers, 27 Nov 2026`, with a number if it is needed.

    Args:
        session: Session that reads.
        what: The mechanism's title.
        data: What the model was trained on.
    """
    today = utcnow()
    plain = f"{what}, {spoken(data)[:MOST_DATA]}, {today.day} {today:%b %Y}"
    title, number = plain, 2
    while _is_taken(session, title):
        title, number = f"{plain} ({number})", number + 1
    return title


def chosen(session: Session, title: str) -> str:
    """Return a title as pages show it; Conflict if another model has it."""
    if _is_taken(session, spoken(title)):
        raise Conflict(TAKEN.format(spoken(title)))
    return spoken(title)


def spoken(name: str) -> str:
    """Return a name without underscores."""
    return " ".join(name.replace("_", " ").split())


def _is_taken(session: Session, title: str) -> bool:
    known = models.cards(session, models.SERVER)
    return title.casefold() in {card["title"].casefold() for card in known}
