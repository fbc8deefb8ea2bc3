"""Users, their signed-in browsers and the audit as the API's schemas."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy.orm import Session

from app.accounts.scopes import SCOPES
from app.core.errors import Unauthorised, Unprocessable
from app.db import accounts as rows
from app.db import people as people_rows
from app.db.account_tables import AuditEntry, Invitation
from app.db.tables import utcnow
from app.web.accounts import schemas
from app.web.http.identity import Principal
from app.web.http.schemas import Page, columns


def account(session: Session, principal: Principal) -> schemas.Account:
    """Return the user behind a token or a session; Unauthorised if there is none."""
    user = rows.user(session, principal.user_id or "")
    if user is None:
        raise Unauthorised
    return schemas.Account.model_validate(
        {
            **columns(user, schemas.Account),
            "has_password": user.password_hash is not None,
            "via": principal.via,
            "scopes": [scope for scope in SCOPES if principal.may(scope)],
        }
    )


def audit_page(
    session: Session, limit: int, cursor: str | None, action: str | None
) -> Page[schemas.AuditEntry]:
    """Return a part of the audit, newest first; its cursors are ids of entries."""
    entries, following = audit_rows(session, limit, cursor, action)
    items = [schemas.AuditEntry.model_validate(row) for row in entries]
    return Page(items=items, next=following)


def audit_rows(
    session: Session, limit: int, cursor: str | None, action: str | None
) -> tuple[Sequence[AuditEntry], str | None]:
    """Return a part of the audit as rows, and the cursor of the next part."""
    if cursor is not None and not (cursor.isascii() and cursor.isdecimal() and len(cursor) < 16):
        raise Unprocessable("cursor: take it from `next` of the part before, or leave it out.")
    before = int(cursor) if cursor is not None else None
    entries = rows.audit_page(session, limit + 1, before, action)
    following = str(entries[limit - 1].id) if len(entries) > limit else None
    return entries[:limit], following


def logins(session: Session, principal: Principal) -> list[schemas.Session]:
    """Return the signed-in browsers of a user, the last seen first."""
    return [
        schemas.Session.model_validate(
            {**columns(row, schemas.Session), "current": row.id == principal.credential_id}
        )
        for row in rows.logins(session, principal.user_id or "", utcnow())
    ]


def people(session: Session, principal: Principal) -> list[schemas.Person]:
    """Return everybody who may sign in, the oldest first."""
    return [
        schemas.Person.model_validate(
            {**columns(row, schemas.Person), "current": row.id == principal.user_id}
        )
        for row in people_rows.users(session)
    ]


def invitations(session: Session) -> list[schemas.Invitation]:
    """Return the invitations that can still be used, newest first."""
    return [invitation(row, row.maker.name) for row in people_rows.invitations(session, utcnow())]


def invitation(row: Invitation, maker: str) -> schemas.Invitation:
    """Return an invitation with the name of who made it."""
    facts = {**columns(row, schemas.Invitation), "made_by": maker}
    return schemas.Invitation.model_validate(facts)
