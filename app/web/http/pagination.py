"""Parts of lists; a cursor is the time and id of the last item, in base64."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Protocol, TypeVar

from app.core.errors import Unprocessable


class Listed(Protocol):
    """A row with the columns that lists are sorted by."""

    id: str
    created_at: datetime


ID = re.compile("[0-9a-f]{32}")
Row = TypeVar("Row", bound=Listed)
Place = tuple[datetime, str]


def _encode(row: Listed) -> str:
    text = f"{row.created_at.isoformat()} {row.id}"
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _decode(cursor: str | None) -> Place | None:
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


def fetch(
    page: Callable[[int, Place | None], Sequence[Row]], limit: int, cursor: str | None
) -> tuple[Sequence[Row], str | None]:
    """Return the rows of one part of a list, and the cursor of the next part if there is one.

    Args:
        page: Query that takes (most rows, place after which they start).
        limit: Most rows of the part.
        cursor: `next` of the part before; None for the first.

    Raises:
        Unprocessable: The cursor was not made here.
    """
    rows = page(limit + 1, _decode(cursor))
    return (rows, None) if len(rows) <= limit else (rows[:limit], _encode(rows[limit - 1]))
