"""Signing in and out, and changing the password: rate limits, checks, cookie and audit.

Passwords are hashed in threads, a few at a time, while no database session is open.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ParamSpec, TypeVar

import anyio
from sqlalchemy.orm import Session
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from app.accounts import audit, passwords, people, sessions
from app.core.errors import Busy, Forbidden, Unauthorised
from app.db import accounts as rows
from app.db.account_tables import User
from app.db.tables import utcnow
from app.web.accounts import guessing
from app.web.http import cookies
from app.web.http.identity import (
    SESSION_COOKIE,
    VISITOR,
    Principal,
    address_of,
    give_session,
    identify,
)
from app.web.http.state import AppState, app_state

HOME = "/training"  # the page after it, unless another led to it
WRONG = "The name or the password is not right. Check both; capital letters count."
WRONG_PRESENT = "Your password is needed for this, and it is not right."
MOST_WAITING = 20  # for a hash; the last one waits about two seconds
P = ParamSpec("P")
T = TypeVar("T")


async def by_password(request: Request, name: str, password: str) -> None:
    """Sign this browser in; raises Unauthorised, TooMany or Busy."""
    web, name = app_state(request), name.strip()[:64]
    await guessing.admit(request, name)
    stored = await run_in_threadpool(_stored_hash, web, name)
    if not await _in_thread(web, passwords.verify, stored, password[: passwords.LONGEST]):
        await run_in_threadpool(guessing.failed, request, name)
        await run_in_threadpool(_record_failure, request, name)
        raise Unauthorised(WRONG)
    assert stored is not None
    renewed = None
    if passwords.is_outdated(stored):
        renewed = await _in_thread(web, passwords.hash_password, password)
    await run_in_threadpool(_enter, request, name, stored, renewed)
    await run_in_threadpool(guessing.succeeded, request, name)


def by_link(request: Request, secret: str) -> None:
    """Sign this browser in with a one-time link; Unauthorised if it is used or expired.

    No limit: nobody guesses 256 bits, and a link must work whatever others do.
    """
    with app_state(request).sessions.begin() as session:
        user = sessions.use_link(session, secret)
        cookie = _open(session, request, user, by="link")
    give_session(request, cookie)
    guessing.succeeded(request, user.name)


async def by_invitation(request: Request, secret: str, name: str, password: str) -> None:
    """Make a new admin and sign this browser in as them.

    Raises:
        Unauthorised: The invitation is used or has ended.
        Unprocessable: The name or the password will not do.
        Conflict: The name is taken.
    """
    await run_in_threadpool(_check_invitation, request, secret, name)
    passwords.check_choice(password, name)
    password_hash = await hashed(request, password)
    await run_in_threadpool(_join, request, secret, name, password_hash)
    await run_in_threadpool(guessing.succeeded, request, name)


def _check_invitation(request: Request, secret: str, name: str) -> None:
    """Refuse before anything is hashed: a stranger without an invitation costs little."""
    with app_state(request).readers() as session:
        people.open_invitation(session, secret)
        people.check_name(session, name)


def _join(request: Request, secret: str, name: str, password_hash: str) -> None:
    with app_state(request).sessions.begin() as session:
        user = people.accept(session, secret, name, password_hash)
        audit.record(
            session,
            "invitation.accept",
            actor=user.name,
            address=address_of(request),
            user_id=user.id,
        )
        cookie = _open(session, request, user, by="invitation")
    give_session(request, cookie)


def leave(request: Request, *, everywhere: bool = False) -> None:
    """Sign this browser out, or (`everywhere`) all browsers of the user."""
    principal = identify(request)
    cookies.take_away(request, SESSION_COOKIE)
    if principal.user_id is None or principal.via != "session":
        return
    only = None if everywhere else principal.credential_id
    with app_state(request).sessions.begin() as session:
        rows.revoke_logins(session, principal.user_id, utcnow(), only=only)
        audit.record(
            session,
            "sign-out",
            actor=principal.actor,
            address=address_of(request),
            user_id=principal.user_id,
            detail={"everywhere": everywhere},
        )
    request.state.principal = VISITOR


async def change_password(
    request: Request,
    principal: Principal,
    current: str | None,
    new: str,
    *,
    revoke_tokens: bool = False,
) -> None:
    """Set the password; other browsers are signed out. Forbidden if `current` is wrong."""
    web = app_state(request)
    user = await run_in_threadpool(_user, web, principal)
    passwords.check_choice(new, user.name)
    await confirm(request, principal, current)
    password_hash = await hashed(request, new)
    await run_in_threadpool(_store_password, request, principal, password_hash, revoke_tokens)


async def confirm(request: Request, principal: Principal, password: str | None) -> None:
    """Make sure that it is the user, and not only their browser or token, that asks.

    A fresh link says as much as the password, and who has none need not give it.

    Raises:
        Forbidden: The password is wrong.
        TooMany: It was wrong too often.
    """
    web = app_state(request)
    user = await run_in_threadpool(_user, web, principal)
    if user.password_hash is None or principal.fresh_link:
        return
    key = f"password of {user.id}"  # only who is signed in as the user gets here
    limit = {key: web.settings.sign_ins_per_minute}
    await run_in_threadpool(web.limiter.count, limit, guessing.ATTEMPTS)
    if not await _in_thread(web, passwords.verify, user.password_hash, password or ""):
        raise Forbidden(WRONG_PRESENT)
    await run_in_threadpool(web.limiter.forgive, key)


async def hashed(request: Request, password: str) -> str:
    """Return the hash of a new password; Busy if too many wait."""
    return await _in_thread(app_state(request), passwords.hash_password, password)


async def _in_thread(
    web: AppState, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs
) -> T:
    """Run a function that hashes in a thread, a few at a time; Busy if too many wait already."""
    if web.hashing.statistics().tasks_waiting >= MOST_WAITING:
        raise Busy("Too many people sign in at once; try again in a few seconds.", retry_after=5)
    return await anyio.to_thread.run_sync(lambda: function(*args, **kwargs), limiter=web.hashing)


def _stored_hash(web: AppState, name: str) -> str | None:
    with web.readers() as session:
        user = rows.user_named(session, name)
    return user.password_hash if user is not None else None


def _user(web: AppState, principal: Principal) -> User:
    with web.readers() as session:
        user = rows.user(session, principal.user_id or "")
    if user is None:
        raise Unauthorised
    return user


def _record_failure(request: Request, name: str) -> None:
    """Write a failure to the audit, without an unknown name: it may be a mistyped password."""
    with app_state(request).sessions.begin() as session:
        known = rows.user_named(session, name)
        audit.record(
            session,
            "sign-in.failed",
            actor=VISITOR.actor,
            address=address_of(request),
            user_id=known.id if known is not None else None,
            target=name if known is not None else "an unknown name",
        )


def _enter(request: Request, name: str, checked: str, renewed: str | None) -> None:
    with app_state(request).sessions.begin() as session:
        user = rows.user_named(session, name)
        if user is None or user.password_hash != checked:  # changed while it was checked
            raise Unauthorised(WRONG)
        user.password_hash = renewed or checked
        cookie = _open(session, request, user, by="password")
    give_session(request, cookie)


def _open(session: Session, request: Request, user: User, *, by: str) -> str:
    """Start a session and return its secret; the session that this browser had ends."""
    browser = sessions.Browser(address_of(request), request.headers.get("user-agent", ""))
    sessions.end(session, cookies.read(request, SESSION_COOKIE) or "")
    days = app_state(request).settings.session_days
    secret = sessions.start(session, user, browser, days, by_link=by == "link")
    audit.record(
        session,
        "sign-in",
        actor=user.name,
        address=browser.address,
        user_id=user.id,
        detail={"by": by},
    )
    return secret


def _store_password(
    request: Request, principal: Principal, password_hash: str, revoke_tokens: bool
) -> None:
    assert principal.user_id is not None
    here = principal.credential_id if principal.via == "session" else None
    with app_state(request).sessions.begin() as session:
        sessions.set_password(session, principal.user_id, password_hash, here)
        gone = rows.revoke_tokens(session, principal.user_id, utcnow()) if revoke_tokens else 0
        audit.record(
            session,
            "password.change",
            actor=principal.actor,
            address=address_of(request),
            user_id=principal.user_id,
            detail={"revoked_tokens": gone} if revoke_tokens else {},
        )
