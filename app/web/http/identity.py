"""Who a request comes from: the user of an API token or session cookie, or a visitor.

A token takes precedence over a cookie; without either nothing is read from the database.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from app.accounts import scopes, sessions, tokens
from app.core.errors import Forbidden, Unauthorised
from app.db.models import Viewer
from app.web.http import cookies
from app.web.http.state import app_state

SESSION_COOKIE = "sightline_session"
BAD_TOKEN = "This token is unknown, has expired or was revoked; make a new one at /account."  # noqa: S105


@dataclass(frozen=True)
class Principal:
    """Who a request comes from and what they may do; `scopes` includes implied ones."""

    user_id: str | None
    name: str
    scopes: frozenset[str]
    via: Literal["session", "token", "visitor"]
    credential_id: str | None = None  # of the session or the token
    actor: str = "visitor"  # name in the audit
    fresh_link: bool = False  # signed in by a link within the last hour

    def may(self, scope: str) -> bool:
        """Return True if the principal has this scope."""
        return scope in self.scopes

    @property
    def viewer(self) -> Viewer:
        """The principal as someone who looks at models."""
        return Viewer(self.user_id, self.may("admin"))


VISITOR = Principal(None, "visitor", frozenset(), "visitor")


def identify(request: Request) -> Principal:
    """Return the principal, from the database; Unauthorised for an invalid token."""
    principal = getattr(request.state, "principal", None)
    if not isinstance(principal, Principal):
        token = bearer_of(request)
        principal = _of_token(request, token) if token is not None else _of_cookie(request)
        request.state.principal = principal
    return principal


async def maybe_user(request: Request) -> Principal:
    """Return the principal; a visitor costs no thread and no query."""
    if bearer_of(request) is None and cookies.read(request, SESSION_COOKIE) is None:
        return VISITOR
    return await run_in_threadpool(identify, request)


async def token_user(request: Request) -> Principal | None:
    """Return the user of the request's token, or None without a token."""
    return await maybe_user(request) if bearer_of(request) is not None else None


def token_owner(request: Request, token: Principal | None) -> str | None:
    """Return the owner name of a token's user.

    Raises:
        Forbidden: The request writes, and the token lacks the scope `analyse`.
    """
    if token is None:
        return None
    if request.method not in {"GET", "HEAD"} and not token.may("analyse"):
        raise Forbidden("This token lacks the scope `analyse`; make another at /account.")
    return f"user:{token.user_id}"


def bearer_of(request: Request) -> str | None:
    """Return the token of `Authorization: Bearer`; None for other schemes, which proxies use."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None


def address_of(request: Request) -> str:
    """Return the client's address, behind a trusted proxy that which the proxy names."""
    return request.client.host if request.client else "none"


def _of_token(request: Request, secret: str) -> Principal:
    web = app_state(request)
    with web.readers() as session:
        token = tokens.find(session, secret)
    if token is None:
        raise Unauthorised(BAD_TOKEN)
    if sessions.was_seen_long_ago(token.seen_at):
        with web.sessions.begin() as session:
            tokens.touch(session, token.id)
    user = token.user
    granted = scopes.expand(token.scopes) & scopes.of_user(admin=user.admin)
    actor = f"{user.name} by token {token.name}"
    return Principal(user.id, user.name, granted, "token", token.id, actor)


def _of_cookie(request: Request) -> Principal:
    secret, web = cookies.read(request, SESSION_COOKIE), app_state(request)
    if not secret:
        return VISITOR
    with web.readers() as session:
        login = sessions.find(session, secret)
    if login is None:
        return VISITOR
    if sessions.was_seen_long_ago(login.seen_at):
        with web.sessions.begin() as session:
            sessions.touch(session, login.id, web.settings.session_days)
        give_session(request, secret)
    user = login.user
    return Principal(
        user.id,
        user.name,
        scopes.of_user(admin=user.admin),
        "session",
        login.id,
        user.name,
        sessions.is_fresh_link(login),
    )


def give_session(request: Request, secret: str) -> None:
    """Set the session's cookie, with its whole lifetime from now."""
    days = app_state(request).settings.session_days
    cookies.give(request, SESSION_COOKIE, secret, days * cookies.DAY)
