"""More than one admin: invitations by link, and the removal of others."""

from __future__ import annotations

import re
from datetime import datetime

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.accounts.secrets import digest, new_secret
from app.core.errors import Conflict, NotFound, Unauthorised, Unprocessable
from app.db import accounts as rows
from app.db import people
from app.db.account_tables import Invitation, User
from app.db.tables import new_id, utcnow

NAME = re.compile(r"\w(?:[\w.-]{0,62}\w)?")
RESERVED = frozenset({"visitor"})  # what the audit calls those who are not signed in
DEAD = "This invitation was used already or has ended. Ask for a new one."
NO_PERSON = "There is no such person. They may have been removed already."


def invite(session: Session, maker_id: str, expires: datetime) -> tuple[Invitation, str]:
    """Add an invitation; return its row and the secret of its link, which cannot be read again."""
    people.drop_expired(session, utcnow())
    secret = new_secret()
    row = Invitation(
        id=new_id(),
        token_hash=digest(secret),
        made_by=maker_id,
        created_at=utcnow(),
        expires_at=expires,
    )
    session.add(row)
    session.flush()
    return row, secret


def open_invitation(session: Session, secret: str) -> Invitation:
    """Return the invitation of a link, without using it; Unauthorised if it cannot be used."""
    row = people.invitation(session, digest(secret), utcnow())
    if row is None:
        raise Unauthorised(DEAD)
    return row


def check_name(session: Session, name: str) -> None:
    """Raise Unprocessable unless a new admin may be called that, Conflict if somebody is."""
    if not NAME.fullmatch(name) or name.lower() in RESERVED:
        raise Unprocessable(
            "A name has up to 64 letters and digits; dots, hyphens and underscores within it."
        )
    if people.is_taken(session, name):
        raise Conflict(f"Somebody is called {name} already; choose another name.")


def accept(session: Session, secret: str, name: str, password_hash: str) -> User:
    """Use an invitation up and return the new admin.

    Raises:
        Unauthorised: It is used or has ended; of two at once the second gets this.
        Conflict: The name is taken.
    """
    row = open_invitation(session, secret)
    check_name(session, name)
    if not people.drop_invitation(session, row.id):
        raise Unauthorised(DEAD)
    user = User(id=new_id(), name=name, password_hash=password_hash, admin=True)
    try:
        with session.begin_nested():
            session.add(user)
    except IntegrityError:
        raise Conflict(f"Somebody is called {name} already; choose another name.") from None
    return user


def remove(session: Session, user_id: str, by: str) -> User:
    """Remove a user, on behalf of the admin `by`, and return them as they were.

    Nobody removes themselves, so one admin always stays: also if two remove each other at once,
    for the second finds that they are no admin any more.

    Raises:
        Unauthorised: `by` is not an admin any more.
        Conflict: It is `by` themselves.
        NotFound: There is no such user.
    """
    if by not in people.admins_locked(session):
        raise Unauthorised
    if user_id == by:
        raise Conflict("You cannot remove yourself; another admin can.")
    user = rows.user(session, user_id)
    if user is None:
        raise NotFound(NO_PERSON)
    people.remove(session, user_id)
    return user
