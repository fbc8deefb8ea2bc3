"""How much a visitor, and all together, may keep on the server."""

from __future__ import annotations

from sqlalchemy.orm import Session

from app.core.errors import QuotaFull
from app.core.settings import MIB, Settings
from app.db import usage


def check_uploads(session: Session, settings: Settings, owner: str, size: int = 0) -> None:
    """Raise QuotaFull if the owner's uploads, or those of all, would exceed a limit.

    Args:
        session: For reading.
        settings: The limits; 0 is none.
        owner: Who uploads.
        size: Bytes that come to what is there; 0 before they are known.
    """
    own = usage.of(session, owner)
    if _exceeds(own.files + 1, settings.visitor_files):
        raise _full(f"{own.files} photos and clips")
    if _exceeds(own.bytes + max(size, 1), settings.visitor_bytes):
        raise _full(f"{own.bytes / MIB:,.0f} MB of photos and clips")
    if settings.upload_bytes and _exceeds(
        usage.of(session).bytes + max(size, 1), settings.upload_bytes
    ):
        raise QuotaFull(
            "The server keeps as many uploads as it may. Try again later: old ones are deleted "
            "every hour; an admin can make room at /storage."
        )


def check_analyses(session: Session, settings: Settings, owner: str) -> None:
    """Raise QuotaFull if the owner has as many analyses as one may keep."""
    own = usage.of(session, owner)
    if _exceeds(own.analyses + 1, settings.visitor_analyses):
        raise _full(f"{own.analyses} analyses")


def _exceeds(value: int, limit: int) -> bool:
    return limit > 0 and value > limit


def _full(what: str) -> QuotaFull:
    return QuotaFull(
        f"You keep {what} here, as much as a visitor may: delete some at /yours, and try again."
    )
