"""Cursors of lists: the time and id of the last item shown, made opaque."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Sequence
from datetime import datetime
from typing import Protocol, TypeVar

from app.core.errors import Unprocessable


class Listed(Protocol):
    """What lists are sorted by."""

    id: str
    created_at: datetime


ID = re.compile("[0-9a-f]{32}")
Row = TypeVar("Row", bound=Listed)
Place = tuple[datetime, str]


def encode(row: Listed) -> str:
    """Return the cursor that continues after this row."""
    text = f"{row.created_at.isoformat()} {row.id}"
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def decode(cursor: str | None) -> Place | None:
    """Return (time, id) of a cursor; Unprocessable where it was not made here."""
    if cursor is None:
        return None
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        text = base64.b64decode(padded, altchars=b"-_", validate=True).decode("ascii")
        time, _, row_id = text.partition(" ")
        moment = datetime.fromisoformat(time) if ID.fullmatch(row_id) else None
    except (ValueError, binascii.Error):
        moment = None
    if moment is None or moment.tzinfo is None:
        raise Unprocessable("cursor: take it from `next` of the part before, or leave it out.")
    return moment, row_id


def cut(rows: Sequence[Row], limit: int) -> tuple[Sequence[Row], str | None]:
    """Split `limit + 1` fetched rows into the part to show and the cursor of the next."""
    if len(rows) <= limit:
        return rows, None
    return rows[:limit], encode(rows[limit - 1])
