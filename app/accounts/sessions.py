"""Signed-in browsers, and the one-time links that sign them in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.accounts.secrets import digest, new_secret
from app.core.errors import Unauthorised
from app.db import accounts as rows
from app.db.account_tables import Login, SignInLink, User
from app.db.tables import new_id, utcnow

ADMIN = "admin"
LINK_HOURS = 24
FRESH = timedelta(hours=1)  # after its link, a browser may set a password without the old one
SEEN_EVERY = timedelta(minutes=1)  # resolution of a credential's time of last use
DEAD_LINK = (
    "This link was used already, is older than a day, or a newer one was made. "
    "`python -m app admin-link` on the server prints a new one."
)


@dataclass(frozen=True)
class Browser:
    """The origin of a request, as the list of sessions shows it."""

    address: str
    agent: str


def ensure_admin(session: Session) -> User:
    """Return the first admin, which is created on a new server."""
    if not rows.has_users(session):
        try:
            with session.begin_nested():
                session.add(User(id=new_id(), name=ADMIN, admin=True))
        except IntegrityError:
            pass  # another process created it at the same time
    admin = rows.first_admin(session)
    assert admin is not None
    return admin


def make_link(session: Session, user: User) -> str:
    """Return the secret of a new link for a user; older links become invalid."""
    rows.drop_links(session, user.id)
    secret = new_secret()
    expires = utcnow() + timedelta(hours=LINK_HOURS)
    session.add(SignInLink(token_hash=digest(secret), user_id=user.id, expires_at=expires))
    return secret


def user_of_link(session: Session, secret: str) -> User | None:
    """Return the user that a link would sign in, without using it up."""
    link = rows.open_link(session, digest(secret), utcnow())
    return rows.user(session, link.user_id) if link is not None else None


def use_link(session: Session, secret: str) -> User:
    """Use a link and return its user; Unauthorised if it is used or expired."""
    user = user_of_link(session, secret)
    if user is None or not rows.use_link(session, digest(secret), utcnow()):
        raise Unauthorised(DEAD_LINK)
    return user


def start(
    session: Session, user: User, browser: Browser, days: int, *, by_link: bool = False
) -> str:
    """Sign a browser in; return the secret for its cookie."""
    secret, now = new_secret(), utcnow()
    login = Login(
        id=new_id(),
        token_hash=digest(secret),
        user_id=user.id,
        address=browser.address[:64],
        agent=browser.agent[:255],
        by_link=by_link,
        created_at=now,
        seen_at=now,
        expires_at=now + timedelta(days=days),
    )
    session.add(login)
    return secret


def find(session: Session, secret: str) -> Login | None:
    """Return the login of a cookie; None if it is unknown, expired or revoked."""
    return rows.valid_login(session, digest(secret), utcnow())


def end(session: Session, secret: str) -> None:
    """Revoke the login of a cookie, if it has one."""
    if (login := find(session, secret)) is not None:
        login.revoked_at = utcnow()


def set_password(session: Session, user_id: str, password_hash: str, here: str | None) -> None:
    """Store a new password's hash; revoke all links, and all logins but the one with id `here`."""
    user = rows.user(session, user_id)
    if user is None:
        raise Unauthorised
    user.password_hash = password_hash
    rows.drop_links(session, user_id)
    rows.revoke_logins(session, user_id, utcnow(), keep=here)
    rows.forget_link(session, user_id)


def touch(session: Session, login_id: str, days: int) -> None:
    """Record that a browser was seen now, and extend its login."""
    now = utcnow()
    rows.touch_login(session, login_id, now, now + timedelta(days=days))


def is_fresh_link(login: Login) -> bool:
    """Whether this browser was signed in by a link within the last hour."""
    return login.by_link and utcnow() - login.created_at < FRESH


def was_seen_long_ago(seen_at: datetime | None) -> bool:
    """Whether the time of last use should be stored again."""
    return seen_at is None or utcnow() - seen_at > SEEN_EVERY
