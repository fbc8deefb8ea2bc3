"""Users, their signed-in browsers and the audit as the API's schemas."""

from __future__ import annotations

from sqlalchemy.orm import Session

from app.accounts.scopes import SCOPES
from app.core.errors import Unauthorised, Unprocessable
from app.db import accounts as rows
from app.db.account_tables import Login
from app.web.accounts import schemas
from app.web.http.identity import Principal


def account(session: Session, principal: Principal) -> schemas.Account:
    """Return the user behind a token or a session; Unauthorised if there is none."""
    user = rows.user(session, principal.user_id or "")
    if user is None:
        raise Unauthorised
    return schemas.Account(
        id=user.id,
        name=user.name,
        admin=user.admin,
        has_password=user.password_hash is not None,
        via=principal.via,
        scopes=[scope for scope in SCOPES if principal.may(scope)],
        created_at=user.created_at,
    )


def audit_part(
    session: Session, limit: int, cursor: str | None, action: str | None
) -> tuple[list[schemas.AuditEntry], str | None]:
    """Return a part of the audit and the cursor of the next."""
    if cursor is not None and not (cursor.isascii() and cursor.isdecimal() and len(cursor) < 16):
        raise Unprocessable("cursor: take it from `next` of the part before, or leave it out.")
    before = int(cursor) if cursor is not None else None
    found = rows.audit_page(session, limit + 1, before, action)
    following = str(found[limit - 1].id) if len(found) > limit else None
    return [schemas.AuditEntry.model_validate(row) for row in found[:limit]], following


def login(row: Login, principal: Principal) -> schemas.Session:
    """Return a login as the API shows it."""
    return schemas.Session(
        id=row.id,
        address=row.address,
        agent=row.agent,
        created_at=row.created_at,
        seen_at=row.seen_at,
        expires_at=row.expires_at,
        current=row.id == principal.credential_id,
    )
