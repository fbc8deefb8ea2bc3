"""How long a token lives, who may make a mighty one, and what a new password ends."""

from __future__ import annotations

from datetime import datetime, timedelta

import httpx
import pytest
from sqlalchemy import update

from app.db.account_tables import Login
from app.db.tables import utcnow
from tests.accounts.test_account import BASE, header, make_token
from tests.accounts.test_sign_in import PASSWORD, enter, link_of, set_password
from tests.support.signing_in import signed_in
from tests.support.web import Api

MIGHTY = {"name": "mighty", "scopes": ["read", "admin"]}


@pytest.fixture
def admin(any_api: Api) -> httpx.Client:
    """The admin, signed in with the password."""
    set_password(any_api)
    enter(any_api.client)
    return any_api.client


def ask(client: httpx.Client, password: str | None = None, **more: str) -> int:
    body = MIGHTY if password is None else {**MIGHTY, "password": password}
    return client.post(f"{BASE}/tokens", json=body, **more).status_code  # type: ignore[arg-type]


def test_a_token_ends_unless_it_is_to_last(admin: httpx.Client) -> None:
    lasting = make_token(admin, "read", expires_at=None)
    assert lasting["expires_at"] is None
    usual = datetime.fromisoformat(make_token(admin, "read")["expires_at"])
    assert abs(usual - utcnow() - timedelta(days=90)) < timedelta(minutes=1)


def test_a_token_for_everything_needs_the_password_again(any_api: Api, admin: httpx.Client) -> None:
    assert ask(admin) == 403
    assert ask(admin, "not the password") == 403
    assert ask(admin, PASSWORD) == 201
    make_token(admin, "train")  # others do not
    mighty = admin.post(f"{BASE}/tokens", json={**MIGHTY, "password": PASSWORD}).json()["token"]
    with any_api.visitor(headers=header(mighty)) as program:  # a stolen one makes no other
        assert ask(program) == 403
        assert ask(program, PASSWORD) == 201
        guesses = [ask(program, "a guess") for _ in range(11)]
    assert guesses[0] == 403
    assert guesses[-1] == 429


def test_a_fresh_link_counts_as_the_password(any_api: Api, admin: httpx.Client) -> None:
    with any_api.visitor() as browser:
        browser.post("/sign-in", data={"link": link_of(any_api)})
        assert ask(browser) == 201
        with any_api.web.sessions.begin() as session:
            session.execute(update(Login).values(created_at=utcnow() - timedelta(hours=2)))
        assert ask(browser) == 403


def test_who_has_no_password_is_not_asked_for_it(api: Api) -> None:
    assert ask(signed_in(api.client)) == 201


@pytest.mark.parametrize(("wished", "status"), [(False, 200), (True, 401)])
def test_a_new_password_ends_tokens_if_wished(
    any_api: Api, admin: httpx.Client, wished: bool, status: int
) -> None:
    token = make_token(admin, "read")["token"]
    with any_api.visitor() as other:
        enter(other)
        body = {"current": PASSWORD, "new": "another few words", "revoke_tokens": wished}
        assert admin.post(f"{BASE}/password", json=body).status_code == 204
        assert other.get(BASE).status_code == 401
        assert other.get(BASE, headers=header(token)).status_code == status
    assert admin.get(BASE).status_code == 200
    (change,) = admin.get("/api/v1/audit?action=password.change").json()["items"]
    assert change["detail"] == ({"revoked_tokens": 1} if wished else {})
