"""Queries on users, their sign-ins and tokens, and on the audit."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import delete, func, or_, select, update
from sqlalchemy.orm import Session, joinedload

from app.db.account_tables import ApiToken, AuditEntry, Login, SignInLink, User
from app.db.queries import changed


def user(session: Session, user_id: str) -> User | None:
    """Return a user, or None."""
    return session.get(User, user_id)


def user_named(session: Session, name: str) -> User | None:
    """Return the user of this name, or None."""
    return session.scalar(select(User).where(User.name == name))


def has_users(session: Session) -> bool:
    """Return True if there is a user."""
    return bool(session.scalar(select(func.count()).select_from(User)))


def first_admin(session: Session) -> User | None:
    """Return the oldest admin, or None."""
    admins = select(User).where(User.admin).order_by(User.created_at, User.id)
    return session.scalar(admins.limit(1))


def valid_login(session: Session, token_hash: str, now: datetime) -> Login | None:
    """Return the login of a cookie with its user, or None if it has expired or was revoked."""
    query = select(Login).where(Login.token_hash == token_hash, *_live(Login, now))
    return session.scalar(query.options(joinedload(Login.user)))


def logins(session: Session, user_id: str, now: datetime) -> Sequence[Login]:
    """Return the valid logins of a user, the last seen first."""
    query = select(Login).where(Login.user_id == user_id, *_live(Login, now))
    return session.scalars(query.order_by(Login.seen_at.desc(), Login.id)).all()


def revoke_logins(
    session: Session,
    user_id: str,
    now: datetime,
    *,
    only: str | None = None,
    keep: str | None = None,
) -> int:
    """Revoke a user's logins: all, `only` one, or all but `keep`. Returns their number."""
    change = update(Login).where(Login.user_id == user_id, *_live(Login, now))
    if only is not None:
        change = change.where(Login.id == only)
    if keep is not None:
        change = change.where(Login.id != keep)
    return changed(session, change.values(revoked_at=now))


def revoke_tokens(session: Session, user_id: str, now: datetime) -> int:
    """Revoke all API tokens of a user. Returns their number."""
    change = update(ApiToken).where(ApiToken.user_id == user_id, ApiToken.revoked_at.is_(None))
    return changed(session, change.values(revoked_at=now))


def valid_token(session: Session, token_hash: str, now: datetime) -> ApiToken | None:
    """Return an API token with its user, or None if it is unknown, expired or revoked."""
    query = select(ApiToken).where(ApiToken.token_hash == token_hash, *_live(ApiToken, now))
    return session.scalar(query.options(joinedload(ApiToken.user)))


def forget_link(session: Session, user_id: str) -> None:
    """Mark no login of a user as made by a link."""
    session.execute(update(Login).where(Login.user_id == user_id).values(by_link=False))


def touch_login(session: Session, login_id: str, now: datetime, expires: datetime) -> None:
    """Set when a login was last seen, and when it expires."""
    change = update(Login).where(Login.id == login_id, Login.revoked_at.is_(None))
    session.execute(change.values(seen_at=now, expires_at=expires))


def touch_token(session: Session, token_id: str, now: datetime) -> None:
    """Set when a token was last used."""
    session.execute(update(ApiToken).where(ApiToken.id == token_id).values(seen_at=now))


def tokens(session: Session, user_id: str) -> Sequence[ApiToken]:
    """Return a user's tokens that are not revoked (expired ones too), newest first."""
    query = select(ApiToken).where(ApiToken.user_id == user_id, ApiToken.revoked_at.is_(None))
    return session.scalars(query.order_by(ApiToken.created_at.desc(), ApiToken.id)).all()


def token(session: Session, user_id: str, token_id: str) -> ApiToken | None:
    """Return a user's token that is not revoked, or None."""
    query = select(ApiToken).where(ApiToken.id == token_id, ApiToken.user_id == user_id)
    return session.scalar(query.where(ApiToken.revoked_at.is_(None)))


def drop_links(session: Session, user_id: str) -> None:
    """Delete a user's sign-in links."""
    session.execute(delete(SignInLink).where(SignInLink.user_id == user_id))


def open_link(session: Session, token_hash: str, now: datetime) -> SignInLink | None:
    """Return a link that is unused and has not expired, or None."""
    return session.scalar(select(SignInLink).where(*_usable(token_hash, now)))


def use_link(session: Session, token_hash: str, now: datetime) -> bool:
    """Mark a link as used; True for one of several requests that use it at once."""
    change = update(SignInLink).where(*_usable(token_hash, now))
    return changed(session, change.values(used_at=now)) == 1


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
    """Return the names of all actions in the audit, sorted."""
    return session.scalars(select(AuditEntry.action).distinct().order_by(AuditEntry.action)).all()


def _usable(token_hash: str, now: datetime) -> tuple[Any, ...]:
    same, unused = SignInLink.token_hash == token_hash, SignInLink.used_at.is_(None)
    return same, unused, SignInLink.expires_at > now


def _live(table: type[Login] | type[ApiToken], now: datetime) -> tuple[Any, ...]:
    unexpired = or_(table.expires_at.is_(None), table.expires_at > now)
    return table.revoked_at.is_(None), unexpired
