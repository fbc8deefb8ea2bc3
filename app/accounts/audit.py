"""The audit log: who did what, recorded in the transaction that does it."""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm import Session

from app.db.account_tables import AuditEntry

COMMAND_LINE = "command line"


def record(
    session: Session,
    action: str,
    *,
    actor: str,
    address: str,
    user_id: str | None = None,
    target: str | None = None,
    detail: dict[str, Any] | None = None,
) -> None:
    """Add an entry; it is committed or rolled back together with the action."""
    entry = AuditEntry(
        action=action,
        actor=actor[:128],
        address=address[:64],
        user_id=user_id,
        target=target[:128] if target is not None else None,
        detail=detail or {},
    )
    session.add(entry)
