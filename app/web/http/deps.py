"""Dependencies of endpoints: the application's state, a database session, the visitor."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from fastapi import Depends
from sqlalchemy.orm import Session
from starlette.requests import Request

from app.core.errors import Forbidden
from app.core.security import COOKIE, Visitors
from app.web.http import cookies
from app.web.http.identity import Principal, token_owner, token_user
from app.web.http.state import AppState, app_state

YEAR = 365 * cookies.DAY
Token = Annotated[Principal | None, Depends(token_user)]


def read_session(request: Request) -> Iterator[Session]:
    """Yield a session that only reads."""
    with app_state(request).readers() as session:
        yield session


def write_session(request: Request) -> Iterator[Session]:
    """Yield a session that is committed after the endpoint has returned."""
    with app_state(request).sessions.begin() as session:
        yield session


async def known_visitor(request: Request, token: Token) -> str | None:
    """Return the owner name of the token's user or of the cookie's visitor; None for neither."""
    if (owner := token_owner(request, token)) is not None:
        return owner
    visitors = app_state(request).visitors
    if (name := visitors.read(cookies.read(request, COOKIE))) is not None:
        return name
    return _move_to_tls(request, visitors)


def _move_to_tls(request: Request, visitors: Visitors) -> str | None:
    """Return the visitor of a cookie that was set without TLS, and set it anew."""
    name = visitors.read(cookies.read_old(request, COOKIE))
    if name is not None:
        cookies.give(request, COOKIE, visitors.sign(name), YEAR)
        cookies.take_away_old(request, COOKIE)
    return name


KnownVisitor = Annotated[str | None, Depends(known_visitor)]


async def visitor(request: Request, known: KnownVisitor) -> str:
    """Return the owner name of the request; a new visitor gets a cookie."""
    if known is not None:
        return known
    visitors = app_state(request).visitors
    name = visitors.new()
    cookies.give(request, COOKIE, visitors.sign(name), YEAR)
    return name


def must_own(owner: str, name: str | None) -> None:
    """Raise Forbidden unless `name` is the owner."""
    if owner != name:
        raise Forbidden


# scope="function": the session is committed before the response starts.
ReadSession = Annotated[Session, Depends(read_session, scope="function")]
WriteSession = Annotated[Session, Depends(write_session, scope="function")]
Visitor = Annotated[str, Depends(visitor)]
StateDep = Annotated[AppState, Depends(app_state)]
