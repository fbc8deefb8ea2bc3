"""Queries on who may sign in, and on invitations."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import CursorResult, delete, func, select
from sqlalchemy.orm import Session, joinedload

from app.db.account_tables import Invitation, User


def users(session: Session) -> Sequence[User]:
    """Return everybody who may sign in, the oldest first."""
    return session.scalars(select(User).order_by(User.created_at, User.id)).all()


def is_taken(session: Session, name: str) -> bool:
    """Return True if a user has this name, however it is written."""
    same = func.lower(User.name) == name.lower()
    return session.scalar(select(User.id).where(same).limit(1)) is not None


def admins_locked(session: Session) -> set[str]:
    """Return the ids of all admins, none of whom can be removed until the session ends."""
    admins = select(User.id).where(User.admin).order_by(User.id)
    return set(session.scalars(admins.with_for_update()))


def remove(session: Session, user_id: str) -> None:
    """Delete a user with all sessions, links, tokens and invitations."""
    session.execute(delete(User).where(User.id == user_id))


def invitations(session: Session, now: datetime) -> Sequence[Invitation]:
    """Return the invitations that can be used, newest first, with who made them."""
    query = select(Invitation).where(Invitation.expires_at > now)
    newest = query.order_by(Invitation.created_at.desc(), Invitation.id)
    return session.scalars(newest.options(joinedload(Invitation.maker))).all()


def invitation(session: Session, token_hash: str, now: datetime) -> Invitation | None:
    """Return the invitation of a link, or None if it is used or has expired."""
    same, alive = Invitation.token_hash == token_hash, Invitation.expires_at > now
    return session.scalar(select(Invitation).where(same, alive))


def drop_invitation(session: Session, invitation_id: str) -> bool:
    """Delete an invitation; True for one of several requests that do so at once."""
    result = session.execute(delete(Invitation).where(Invitation.id == invitation_id))
    assert isinstance(result, CursorResult)
    return result.rowcount == 1


def drop_expired(session: Session, now: datetime) -> None:
    """Delete the invitations that have expired."""
    session.execute(delete(Invitation).where(Invitation.expires_at <= now))
