"""Queries on what workers can do besides the models of the table, and on which of them live."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any, cast

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from app.db.documents import LaunchForm
from app.db.queries import insert_new
from app.db.tables import utcnow
from app.db.training_tables import Offer
from app.db.turns import clock

TRAINING = "training"  # the launch form
BEAT = "beat "  # and a queue
METHODS = "methods"  # name -> {title, kind, description, ...}; see ml.explain.methods


def put(session: Session, key: str, value: dict[str, Any]) -> None:
    """Publish a capability; the row is written only if it changes."""
    insert_new(session, Offer, [{"key": key, "value": value, "updated_at": utcnow()}])
    row = session.get_one(Offer, key)
    if row.value != value:
        row.value, row.updated_at = value, utcnow()
        session.flush()


def get(session: Session, key: str) -> dict[str, Any] | None:
    """Return what a worker has published last, or None."""
    row = session.get(Offer, key)
    return None if row is None else row.value


def beat(session: Session, queues: Iterable[str]) -> None:
    """Write that a worker of these queues lives now."""
    now = utcnow()
    for queue in queues:
        insert_new(session, Offer, [{"key": BEAT + queue, "value": {}, "updated_at": now}])
        change = update(Offer).where(Offer.key == BEAT + queue)
        session.execute(change.values(updated_at=clock(session)))


def beating(session: Session, seconds: float) -> set[str]:
    """Return the queues of which a worker has written that it lives within the last `seconds`."""
    recent = Offer.updated_at > clock(session) - timedelta(seconds=seconds)
    keys = session.scalars(select(Offer.key).where(Offer.key.startswith(BEAT), recent))
    return {key.removeprefix(BEAT) for key in keys}


def launch_form(session: Session) -> LaunchForm | None:
    """Return the launch form of studies, or None while no worker has published one."""
    return cast("LaunchForm | None", get(session, TRAINING))


def method_titles(session: Session) -> dict[str, str]:
    """Return what every explanation method is called within a sentence, by name."""
    return {name: words["title"] for name, words in (get(session, METHODS) or {}).items()}
