"""API tokens: shown once, stored as a hash."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy.orm import Session

from app.accounts.scopes import SCOPES
from app.accounts.secrets import digest, hint, new_token
from app.db import accounts as rows
from app.db.account_tables import ApiToken
from app.db.tables import new_id, utcnow


def create(
    session: Session, user_id: str, name: str, scopes: Iterable[str], expires: datetime | None
) -> tuple[ApiToken, str]:
    """Add a token; return its row and the token itself, which cannot be read again."""
    token, chosen = new_token(), set(scopes)
    row = ApiToken(
        id=new_id(),
        user_id=user_id,
        name=name,
        token_hash=digest(token),
        hint=hint(token),
        scopes=[scope for scope in SCOPES if scope in chosen],
        created_at=utcnow(),
        expires_at=expires,
    )
    session.add(row)
    session.flush()
    return row, token


def find(session: Session, token: str) -> ApiToken | None:
    """Return the row of a token; None if it is unknown, expired or revoked."""
    return rows.valid_token(session, digest(token), utcnow())


def touch(session: Session, token_id: str) -> None:
    """Record that a token was used now."""
    rows.touch_token(session, token_id, utcnow())
