"""Signing in and out with the forms: links, passwords, limits, cross-site requests."""

from __future__ import annotations

import re
from datetime import timedelta

import httpx
import pytest
from sqlalchemy import delete, select, update

from app.accounts import passwords, sessions
from app.db import accounts as rows
from app.db.account_tables import ApiToken, Login, SignInLink, User
from app.db.tables import Rate, utcnow
from app.web.accounts.pages import HOME
from app.web.http.identity import SESSION_COOKIE
from tests.support.signing_in import bearer
from tests.support.web import Api

PASSWORD = "a few words in a row"
PAGE = {"Accept": "text/html"}


def link_of(api: Api) -> str:
    """The secret of a new link for the admin."""
    with api.web.sessions.begin() as session:
        return sessions.make_link(session, sessions.ensure_admin(session))


def set_password(api: Api, password: str = PASSWORD) -> None:
    with api.web.sessions.begin() as session:
        sessions.ensure_admin(session).password_hash = passwords.hash_password(password)


def enter(client: httpx.Client, password: str = PASSWORD, name: str = "admin", **more: str):
    form = {"name": name, "password": password, **more}
    return client.post("/sign-in", data=form, headers=PAGE)


def is_signed_in(client: httpx.Client) -> bool:
    return client.get("/api/v1/account").status_code == 200


def actions(api: Api) -> list[str]:
    with api.web.readers() as session:
        return [entry.action for entry in rows.audit_page(session, 100, None, None)]


def test_a_link_signs_in_once_and_only_by_post(any_api: Api) -> None:
    secret, client = link_of(any_api), any_api.client
    for _ in range(2):  # looking at it, as a preview does, uses nothing up
        page = client.get("/sign-in", params={"link": secret}, headers=PAGE)
        assert page.status_code == 200
        assert "Sign in as admin" in page.text
        assert not is_signed_in(client)
    response = client.post("/sign-in", data={"link": secret, "next": "/models"})
    assert response.status_code == 303
    assert response.headers["location"] == "/sign-in/password?next=%2Fmodels"
    cookie = response.headers["set-cookie"]
    assert all(word in cookie for word in ("HttpOnly", "SameSite=Lax", "Path=/", "Max-Age=2592000"))
    assert is_signed_in(client)
    with any_api.visitor() as other:
        again = other.post("/sign-in", data={"link": secret}, headers=PAGE)
        assert again.status_code == 401
        assert "no longer good" in again.text
        assert not is_signed_in(other)
    assert actions(any_api) == ["sign-in"]


def test_a_link_expires_and_is_replaced_by_a_newer_one(any_api: Api) -> None:
    old, new = link_of(any_api), link_of(any_api)
    client = any_api.client
    assert client.get("/sign-in", params={"link": old}, headers=PAGE).status_code == 401
    assert client.get("/sign-in", params={"link": new}, headers=PAGE).status_code == 200
    with any_api.web.sessions.begin() as session:
        session.execute(update(SignInLink).values(expires_at=utcnow() - timedelta(seconds=1)))
    assert client.post("/sign-in", data={"link": new}).status_code == 401


def test_after_a_link_a_password_may_be_chosen(api: Api) -> None:
    client = api.client
    client.post("/sign-in", data={"link": link_of(api)})
    assert "Not now" in client.get("/sign-in/password?next=/models", headers=PAGE).text
    short = client.post("/sign-in/password", data={"password": "short"}, headers=PAGE)
    assert short.status_code == 422
    assert "at least 10 characters" in short.text
    form = {"password": PASSWORD, "next": "/models"}
    response = client.post("/sign-in/password", data=form)
    assert (response.status_code, response.headers["location"]) == (303, "/models")
    assert is_signed_in(client)
    with api.visitor() as other:
        assert enter(other).status_code == 303
        assert is_signed_in(other)
    # The link's freshness is spent: the next change asks for the present password.
    again = client.post("/api/v1/account/password", json={"new": "another few words"})
    assert again.status_code == 403


def test_a_forgotten_password_is_replaced_by_a_link(api: Api) -> None:
    set_password(api, "forgotten words here")
    client = api.client
    client.post("/sign-in", data={"link": link_of(api)})
    assert client.post("/sign-in/password", data={"password": PASSWORD}).status_code == 303
    with api.visitor() as other:
        assert enter(other, "forgotten words here").status_code == 401
        assert enter(other).status_code == 303


def test_an_hour_after_its_link_a_browser_needs_the_password(api: Api) -> None:
    set_password(api)
    client = api.client
    client.post("/sign-in", data={"link": link_of(api)})
    with api.web.sessions.begin() as session:
        session.execute(update(Login).values(created_at=utcnow() - timedelta(hours=2)))
    assert client.post("/sign-in/password", data={"password": "x y z and more"}).status_code == 403


def test_a_wrong_password_and_an_unknown_name_get_the_same_message(api: Api) -> None:
    set_password(api)
    client = api.client
    texts = []
    for name in ("admin", "nobody", "", "a\0b", "x" * 300):
        response = enter(client, "a wrong password", name)
        assert response.status_code == 401
        texts.append(re.sub(r'value="[^"]*"| autofocus', "", response.text))
    assert len(set(texts)) <= 2  # the empty name has the cursor in another field
    assert not is_signed_in(client)
    with api.web.readers() as session:
        failed = rows.audit_page(session, 10, None, "sign-in.failed")
    assert [entry.target for entry in failed] == ["an unknown name"] * 4 + ["admin"]


def test_signing_in_again_replaces_the_session(api: Api) -> None:
    set_password(api)
    client = api.client
    client.cookies.set(SESSION_COOKIE, "chosen-by-somebody-else", domain="127.0.0.1")
    enter(client)
    first = client.cookies.get(SESSION_COOKIE, domain="127.0.0.1") or client.cookies[SESSION_COOKIE]
    assert first != "chosen-by-somebody-else"
    response = enter(client)
    second = re.search(rf"{SESSION_COOKIE}=([\w-]+)", response.headers["set-cookie"])
    assert second is not None
    assert second[1] != first
    assert len(second[1]) == 43
    with api.visitor(cookies={SESSION_COOKIE: first}) as old:
        assert not is_signed_in(old)
    with api.web.readers() as session:
        stored = session.scalars(select(Login.token_hash)).all()
    assert all(len(value) == 64 and second[1] not in value for value in stored)


@pytest.mark.parametrize("change", ["revoked_at", "expires_at"])
def test_a_revoked_or_expired_session_is_rejected(any_api: Api, change: str) -> None:
    set_password(any_api)
    client = any_api.client
    enter(client)
    assert is_signed_in(client)
    with any_api.web.sessions.begin() as session:
        session.execute(update(Login).values({change: utcnow() - timedelta(seconds=1)}))
    assert not is_signed_in(client)
    assert client.get("/account", headers=PAGE).headers["location"] == "/sign-in?next=/account"


def test_use_extends_a_session(any_api: Api) -> None:
    set_password(any_api)
    client = any_api.client
    enter(client)
    assert "set-cookie" not in client.get("/api/v1/account").headers
    with any_api.web.sessions.begin() as session:
        past = utcnow() - timedelta(days=20)
        session.execute(update(Login).values(seen_at=past, expires_at=past + timedelta(days=30)))
    assert SESSION_COOKIE in client.get("/api/v1/account").headers["set-cookie"]
    with any_api.web.readers() as session:
        login = session.scalars(select(Login)).one()
    assert login.expires_at - utcnow() > timedelta(days=29)
    assert utcnow() - login.seen_at < timedelta(minutes=1)


def test_signing_out_ends_the_session(any_api: Api) -> None:
    set_password(any_api)
    with any_api.visitor() as here, any_api.visitor() as there:
        enter(here)
        enter(there)
        stolen = dict(here.cookies)
        assert here.post("/sign-out").headers["location"] == "/"
        assert SESSION_COOKIE not in here.cookies
        with any_api.visitor(cookies=stolen) as thief:
            assert not is_signed_in(thief)
        assert is_signed_in(there)
        enter(here)
        here.post("/sign-out", data={"everywhere": "1"})
        assert not is_signed_in(there)
    assert actions(any_api).count("sign-out") == 2


def test_an_outdated_hash_is_renewed(api: Api) -> None:
    from argon2 import PasswordHasher

    weak = PasswordHasher(time_cost=1, memory_cost=16, parallelism=1).hash(PASSWORD)
    with api.web.sessions.begin() as session:
        sessions.ensure_admin(session).password_hash = weak
    assert enter(api.client).status_code == 303
    with api.web.readers() as session:
        stored = session.scalars(select(User.password_hash)).one()
    assert stored is not None
    assert stored != weak
    assert passwords.verify(stored, PASSWORD)


def test_attempts_are_limited_by_address_and_by_name(api: Api) -> None:
    set_password(api)
    statuses = [enter(api.client, "a wrong password").status_code for _ in range(10)]
    assert statuses == [401] * 10
    response = enter(api.client)
    assert response.status_code == 429
    assert 0 < int(response.headers["retry-after"]) <= 60
    assert "That is more than 10 attempts to sign in a minute; try again in" in response.text
    assert not is_signed_in(api.client)
    with api.web.sessions.begin() as session:
        session.execute(delete(Rate))
    for _ in range(10):
        api.web.limiter.count({"sign-in: name admin": 10}, "attempts")
    assert enter(api.client).status_code == 429
    assert enter(api.client, name="other").status_code == 401


def test_a_token_signs_nobody_out(api: Api) -> None:
    set_password(api)
    enter(api.client)
    with api.visitor(headers=bearer(api.client, "read")) as program:
        program.post("/sign-out", data={"everywhere": "1"})
    assert is_signed_in(api.client)


@pytest.mark.parametrize("path", ["/sign-in", "/sign-in/password", "/sign-out"])
def test_other_sites_cannot_post_the_forms(api: Api, path: str) -> None:
    set_password(api)
    form = {"name": "admin", "password": PASSWORD, "link": link_of(api)}
    for headers in ({"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://example.org"}):
        response = api.client.post(path, data=form, headers=headers)
        assert (response.status_code, response.json()["error"]) == (403, "cross_origin")
    assert not is_signed_in(api.client)


@pytest.mark.parametrize(
    "target",
    [
        "https://example.org",
        "//example.org",
        "/\\example.org",
        "/\t/example.org",
        "script:x",
        "",
    ],
)
def test_the_redirect_stays_on_this_server(api: Api, target: str) -> None:
    set_password(api)
    location = enter(api.client, next=target).headers["location"]
    assert location == HOME
    page = api.client.get("/sign-in", params={"next": target}, headers=PAGE)
    assert page.headers["location"] == HOME
    assert enter(api.client, next="/models?a=b#c").headers["location"] == "/models?a=b#c"


def test_a_form_that_is_too_large_or_of_another_type_is_rejected(api: Api) -> None:
    assert enter(api.client, "x" * 10_000).status_code == 413
    response = api.client.post("/sign-in", json={"name": "admin"})
    assert response.status_code == 422


def test_the_cookie_is_secure_behind_tls(api: Api) -> None:
    set_password(api)
    form = {"name": "admin", "password": PASSWORD}
    headers = {"X-Forwarded-Proto": "https"}  # from the proxy on this machine
    response = api.client.post("/sign-in", data=form, headers=headers)
    assert response.headers["set-cookie"].endswith("; Secure")


def test_nothing_secret_is_in_the_database(api: Api) -> None:
    client = api.client
    link = link_of(api)
    client.post("/sign-in", data={"link": link})
    token = client.post("/api/v1/account/tokens", json={"name": "a", "scopes": ["read"]}).json()
    with api.web.readers() as session:
        stored = [
            *session.scalars(select(SignInLink.token_hash)),
            *session.scalars(select(Login.token_hash)),
            *session.scalars(select(ApiToken.token_hash)),
        ]
    assert len(stored) == 3
    secrets = {link, client.cookies[SESSION_COOKIE], token["token"]}
    assert not secrets & set(stored)
