"""Signing in as the admin without the form, by a real session."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx

from app.accounts import sessions, tokens
from app.core.settings import Settings
from app.db.account_tables import User
from app.db.engine import make_engine, make_sessions
from app.db.tables import new_id
from app.web.http.identity import SESSION_COOKIE
from tests.support.server_settings import settings_of

if TYPE_CHECKING:
    from tests.support.pages import Visit

HERE = "127.0.0.1"


def signed_in(client: httpx.Client) -> httpx.Client:
    """Sign a client of the API harness in as the admin."""
    secret = open_session(settings_of(str(client.base_url)))
    client.cookies.set(SESSION_COOKIE, secret, domain="127.0.0.1")
    return client


def as_user(client: httpx.Client, name: str = "somebody") -> str:
    """Sign a client in as a new user who is no admin; return their id."""
    settings = settings_of(str(client.base_url))
    engine = make_engine(settings)
    with make_sessions(engine).begin() as session:
        sessions.ensure_admin(session)  # is made only where there is no user yet
        user = User(id=new_id(), name=name, admin=False)
        session.add(user)
        session.flush()
        secret = sessions.start(session, user, sessions.Browser(HERE, "test"), 1)
    engine.dispose()
    client.cookies.set(SESSION_COOKIE, secret, domain="127.0.0.1")
    return user.id


def sign_in(visit: Visit, address: str = HERE) -> Visit:
    """Sign a visitor's browser in as the admin, from `address`."""
    secret = open_session(settings_of(visit.address), address)
    cookie = {"name": SESSION_COOKIE, "value": secret, "url": visit.address, "httpOnly": True}
    visit.context.add_cookies([cookie])  # type: ignore[list-item]
    return visit


def bearer(client: httpx.Client, *scopes: str) -> dict[str, str]:
    """The header of a new token of the admin with these scopes."""
    settings = settings_of(str(client.base_url))
    engine = make_engine(settings)
    with make_sessions(engine).begin() as session:
        admin = sessions.ensure_admin(session)
        _, token = tokens.create(session, admin.id, "test", scopes, None)
    engine.dispose()
    return {"Authorization": f"Bearer {token}"}


def open_session(settings: Settings, address: str = HERE) -> str:
    """Sign the admin in; return the cookie's value."""
    browser = sessions.Browser(address, "test")
    engine = make_engine(settings)
    with make_sessions(engine).begin() as session:
        admin = sessions.ensure_admin(session)
        secret = sessions.start(session, admin, browser, settings.session_days)
    engine.dispose()
    return secret
