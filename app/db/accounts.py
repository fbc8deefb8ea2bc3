"""Queries on people, their sign-ins and tokens, and on the audit."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, cast

from sqlalchemy import CursorResult, Update, delete, func, or_, select, update
from sqlalchemy.orm import Session, joinedload

from app.db.account_tables import ApiToken, AuditEntry, Login, SignInLink, User


def user(session: Session, user_id: str) -> User | None:
    """Return a user, or None."""
    return session.get(User, user_id)


def user_named(session: Session, name: str) -> User | None:
    """Return the user of this name, or None."""
    return session.scalar(select(User).where(User.name == name))


def has_users(session: Session) -> bool:
    """Whether anybody may sign in."""
    return bool(session.scalar(select(func.count()).select_from(User)))


def first_admin(session: Session) -> User | None:
    """Return the oldest user who is an admin, or None."""
    admins = select(User).where(User.admin).order_by(User.created_at, User.id)
    return session.scalar(admins.limit(1))


def valid_login(session: Session, token_hash: str, now: datetime) -> Login | None:
    """Return the login of a cookie with its user, or None where it is over."""
    found = select(Login).where(Login.token_hash == token_hash, *_live(Login, now))
    return session.scalar(found.options(joinedload(Login.user)))


def logins(session: Session, user_id: str, now: datetime) -> Sequence[Login]:
    """Return where a user is signed in, the last seen first."""
    found = select(Login).where(Login.user_id == user_id, *_live(Login, now))
    return session.scalars(found.order_by(Login.seen_at.desc(), Login.id)).all()


def revoke_logins(
    session: Session,
    user_id: str,
    now: datetime,
    *,
    only: str | None = None,
    keep: str | None = None,
) -> int:
    """Revoke a user's logins: all, `only` one, or all but `keep`. Returns how many there were."""
    change = update(Login).where(Login.user_id == user_id, *_live(Login, now))
    if only is not None:
        change = change.where(Login.id == only)
    if keep is not None:
        change = change.where(Login.id != keep)
    return _changed(session, change.values(revoked_at=now))


def valid_token(session: Session, token_hash: str, now: datetime) -> ApiToken | None:
    """Return an API token with its user, or None where it is unknown, expired or revoked."""
    found = select(ApiToken).where(ApiToken.token_hash == token_hash, *_live(ApiToken, now))
    return session.scalar(found.options(joinedload(ApiToken.user)))


def forget_link(session: Session, user_id: str) -> None:
    """Let no login of a user count as fresh from a link any more."""
    session.execute(update(Login).where(Login.user_id == user_id).values(by_link=False))


def touch_login(session: Session, login_id: str, now: datetime, expires: datetime) -> None:
    """Note that a login was seen, and until when it lasts now."""
    change = update(Login).where(Login.id == login_id, Login.revoked_at.is_(None))
    session.execute(change.values(seen_at=now, expires_at=expires))


def touch_token(session: Session, token_id: str, now: datetime) -> None:
    """Note that a token was used."""
    session.execute(update(ApiToken).where(ApiToken.id == token_id).values(seen_at=now))


def tokens(session: Session, user_id: str) -> Sequence[ApiToken]:
    """Return a user's tokens that are not revoked (expired ones too), newest first."""
    found = select(ApiToken).where(ApiToken.user_id == user_id, ApiToken.revoked_at.is_(None))
    return session.scalars(found.order_by(ApiToken.created_at.desc(), ApiToken.id)).all()


def token(session: Session, user_id: str, token_id: str) -> ApiToken | None:
    """Return a user's token that is not revoked, or None."""
    found = session.get(ApiToken, token_id)
    mine = found is not None and found.user_id == user_id and found.revoked_at is None
    return found if mine else None


def drop_links(session: Session, user_id: str) -> None:
    """Make a user's links worthless."""
    session.execute(delete(SignInLink).where(SignInLink.user_id == user_id))


def open_link(session: Session, token_hash: str, now: datetime) -> SignInLink | None:
    """Return a link that was not used and has not expired, or None."""
    found = select(SignInLink).where(
        SignInLink.token_hash == token_hash,
        SignInLink.used_at.is_(None),
        SignInLink.expires_at > now,
    )
    return session.scalar(found)


def use_link(session: Session, token_hash: str, now: datetime) -> bool:
    """Use a link; of two requests that try, one gets True."""
    change = update(SignInLink).where(
        SignInLink.token_hash == token_hash,
        SignInLink.used_at.is_(None),
        SignInLink.expires_at > now,
    )
    return _changed(session, change.values(used_at=now)) == 1


def audit_page(
    session: Session, limit: int, before: int | None, action: str | None
) -> Sequence[AuditEntry]:
    """Return up to `limit` entries, newest first: those older than `before`, of one action."""
    query = select(AuditEntry)
    if before is not None:
        query = query.where(AuditEntry.id < before)
    if action is not None:
        query = query.where(AuditEntry.action == action)
    return session.scalars(query.order_by(AuditEntry.id.desc()).limit(limit)).all()


def audit_actions(session: Session) -> Sequence[str]:
    """Return every action that has happened, by name."""
    return session.scalars(select(AuditEntry.action).distinct().order_by(AuditEntry.action)).all()


def _live(table: type[Login] | type[ApiToken], now: datetime) -> tuple[Any, ...]:
    unexpired = or_(table.expires_at.is_(None), table.expires_at > now)
    return table.revoked_at.is_(None), unexpired


def _changed(session: Session, change: Update) -> int:
    return cast("CursorResult[Any]", session.execute(change)).rowcount
