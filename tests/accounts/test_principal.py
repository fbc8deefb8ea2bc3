"""Permissions of visitors, sessions, and tokens with their scopes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from app.core.settings import Settings
from app.db import accounts as rows
from app.web.http.principal import Admin, Audit, MaybeUser, Reader, Trainer
from tests.support.signing_in import bearer, signed_in
from tests.support.web import Api, running

PAGE = {"Accept": "text/html"}


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """A server with an endpoint for each kind of principal."""
    settings = Settings(home=tmp_path_factory.mktemp("guarded"), min_free_bytes=0)
    with running(settings) as api:
        add_endpoints(api)
        yield api


def add_endpoints(api: Api) -> None:
    @api.app.get("/api/v1/who")
    def who(principal: MaybeUser) -> list[str | None]:
        return [principal.name, principal.via]

    @api.app.get("/api/v1/reader")
    def reader(principal: Reader) -> str:
        return principal.name

    @api.app.get("/guarded-page")
    def guarded_page(principal: Reader) -> str:
        return principal.name

    @api.app.post("/api/v1/trainer")
    def trainer(principal: Trainer, audit: Audit, fail: bool = False) -> str:
        audit("run.pause", "a run", steps=3)
        if fail:
            raise RuntimeError("after the audit")
        return principal.name

    @api.app.delete("/api/v1/admin")
    def admin(principal: Admin) -> str:
        return principal.name


def test_a_request_without_sign_in_gets_401(guarded: Api) -> None:
    client = guarded.client
    assert client.get("/api/v1/who").json() == ["visitor", "visitor"]
    for method, path in (("GET", "reader"), ("POST", "trainer"), ("DELETE", "admin")):
        response = client.request(method, f"/api/v1/{path}")
        assert (response.status_code, response.json()["error"]) == (401, "unauthorised")
        assert response.headers["www-authenticate"] == "Bearer"
    page = client.get("/guarded-page?a=b&c=d", headers=PAGE)
    assert page.status_code == 303
    assert page.headers["location"] == "/sign-in?next=/guarded-page%3Fa%3Db%26c%3Dd"


def test_an_admins_session_may_do_all(guarded: Api) -> None:
    with guarded.visitor() as client:
        signed_in(client)
        assert client.get("/api/v1/who").json() == ["admin", "session"]
        assert client.get("/guarded-page", headers=PAGE).status_code == 200
        assert client.get("/api/v1/reader").status_code == 200
        assert client.post("/api/v1/trainer").status_code == 200
        assert client.delete("/api/v1/admin").status_code == 200


@pytest.mark.parametrize(
    ("scopes", "statuses"),
    [
        (["analyse"], (403, 403, 403)),
        (["read"], (200, 403, 403)),
        (["train"], (200, 200, 403)),
        (["read", "analyse"], (200, 403, 403)),
        (["admin"], (200, 200, 200)),
    ],
    ids=str,
)
def test_scopes_limit_a_token(
    guarded: Api, scopes: list[str], statuses: tuple[int, int, int]
) -> None:
    client = guarded.client
    headers = bearer(client, *scopes)
    assert client.get("/api/v1/who", headers=headers).json() == ["admin", "token"]
    answers = (
        client.get("/api/v1/reader", headers=headers).status_code,
        client.post("/api/v1/trainer", headers=headers).status_code,
        client.delete("/api/v1/admin", headers=headers).status_code,
    )
    assert answers == statuses


def test_the_audit_entry_is_in_the_same_transaction(guarded: Api, tmp_path: Path) -> None:
    client = guarded.client
    with guarded.web.readers() as session:
        before = len(rows.audit_page(session, 100, None, "run.pause"))
    headers = bearer(client, "train")
    assert client.post("/api/v1/trainer?fail=true", headers=headers).status_code == 500
    assert client.post("/api/v1/trainer", headers=headers).status_code == 200
    with guarded.web.readers() as session:
        entries = rows.audit_page(session, 100, None, "run.pause")
    assert len(entries) == before + 1
    entry = entries[0]
    assert (entry.actor, entry.target, entry.detail) == (
        "admin by token test",
        "a run",
        {"steps": 3},
    )
    assert entry.address == "127.0.0.1"
