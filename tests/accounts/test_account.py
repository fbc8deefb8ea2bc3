"""The account over REST: user, password, sessions, tokens, audit log."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import update

from app.accounts import passwords, sessions
from app.core.security import COOKIE
from app.db.account_tables import ApiToken
from app.db.tables import utcnow
from tests.support.backend import photo
from tests.support.signing_in import bearer, signed_in
from tests.support.web import Api

PASSWORD = "a few words in a row"
BASE = "/api/v1/account"


def make_token(client: httpx.Client, *scopes: str, **more: Any) -> Any:
    body = {"name": "ci", "scopes": list(scopes), **more}
    response = client.post(f"{BASE}/tokens", json=body)
    assert response.status_code == 201, response.text
    return response.json()


def header(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}".strip()}


@pytest.fixture
def admin(api: Api) -> httpx.Client:
    """The API's client, signed in."""
    return signed_in(api.client)


@pytest.fixture
def any_admin(any_api: Api) -> httpx.Client:
    """The same on each kind of database."""
    return signed_in(any_api.client)


def test_the_account_of_a_session_and_of_a_token(api: Api, admin: httpx.Client) -> None:
    account = admin.get(BASE).json()
    assert account["name"] == "admin"
    assert (account["via"], account["has_password"]) == ("session", False)
    assert account["scopes"] == ["read", "analyse", "train", "admin"]
    with api.visitor() as nobody:
        assert nobody.get(BASE).status_code == 401
        account = nobody.get(BASE, headers=bearer(nobody, "train")).json()
        assert (account["via"], account["scopes"]) == ("token", ["read", "train"])


def test_a_token_is_shown_once_and_works_until_it_is_revoked(
    any_api: Api, any_admin: httpx.Client
) -> None:
    made = make_token(any_admin, "analyse", "read")
    assert re.fullmatch(r"sl_[\w-]{43}", made["token"])
    assert made["scopes"] == ["read", "analyse"]
    (listed,) = any_admin.get(f"{BASE}/tokens").json()["items"]
    assert listed == {name: value for name, value in made.items() if name != "token"}
    assert made["token"].startswith(listed["hint"])
    with any_api.visitor() as program:
        assert program.get(BASE, headers=header(made["token"])).status_code == 200
        (used,) = any_admin.get(f"{BASE}/tokens").json()["items"]
        assert used["seen_at"] is not None
        assert any_admin.delete(f"{BASE}/tokens/{made['id']}").status_code == 204
        assert program.get(BASE, headers=header(made["token"])).status_code == 401
    assert any_admin.get(f"{BASE}/tokens").json()["items"] == []
    assert any_admin.delete(f"{BASE}/tokens/{made['id']}").status_code == 404


def test_an_invalid_token_is_rejected_everywhere(any_api: Api, any_admin: httpx.Client) -> None:
    revoked, expired = make_token(any_admin, "admin"), make_token(any_admin, "admin")
    any_admin.delete(f"{BASE}/tokens/{revoked['id']}")
    with any_api.web.sessions.begin() as session:
        change = update(ApiToken).where(ApiToken.id == expired["id"])
        session.execute(change.values(expires_at=utcnow() - timedelta(seconds=1)))
    wrong = ["sl_" + "x" * 43, "", "nonsense", revoked["token"], expired["token"]]
    with any_api.visitor() as program:
        for token in wrong:
            for path in ("/models", "/models/plain", "/media", "/account", "/audit"):
                response = program.get(f"/api/v1{path}", headers=header(token))
                assert (response.status_code, response.json()["error"]) == (401, "unauthorised")
                assert response.headers["www-authenticate"] == "Bearer"
        files = {"file": ("photo.jpg", photo())}
        response = program.post("/api/v1/media", files=files, headers=header(wrong[0]))
        assert response.status_code == 401
        # Another scheme is a proxy's business.
        assert program.get("/api/v1/models", headers={"Authorization": "Basic eA=="}).is_success
    # A worthless token is refused although the browser is signed in.
    assert any_admin.get(BASE, headers=header(wrong[0])).status_code == 401


def test_uploads_with_a_token_belong_to_its_user(api: Api, admin: httpx.Client) -> None:
    token, reader = make_token(admin, "analyse"), make_token(admin, "read")
    user = admin.get(BASE).json()["id"]
    with api.visitor(headers=header(token["token"])) as program:
        media = api.upload(client=program)
        assert COOKIE not in program.cookies
        assert [item["id"] for item in program.get("/api/v1/media").json()["items"]] == [
            media["id"]
        ]
        analysis = api.analyse(media["id"], client=program)
        assert program.post(f"{analysis['links']['self']}/cancel").status_code == 200
    with api.visitor(headers=header(reader["token"])) as program:
        assert len(program.get("/api/v1/media").json()["items"]) == 1
        for response in (
            program.delete(media["links"]["self"]),
            program.post("/api/v1/media", files={"file": ("photo.jpg", photo())}),
            program.post("/api/v1/analyses", json={"media_id": media["id"]}),
        ):
            assert (response.status_code, response.json()["error"]) == (403, "forbidden")
    with api.visitor() as stranger:
        api.upload(client=stranger)
        assert media["id"] not in {m["id"] for m in stranger.get("/api/v1/media").json()["items"]}
        assert stranger.delete(media["links"]["self"]).status_code == 403
        forged = {COOKIE: f"user:{user}"}
    with api.visitor(cookies=forged) as thief:
        assert thief.delete(media["links"]["self"]).status_code == 403
    with api.visitor(headers=header(token["token"])) as program:
        assert program.delete(media["links"]["self"]).status_code == 204


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"name": " ", "scopes": ["read"]}, 422),
        ({"name": "a\0b", "scopes": ["read"]}, 422),
        ({"name": "a", "scopes": []}, 422),
        ({"name": "a", "scopes": ["root"]}, 422),
        ({"name": "a", "scopes": ["read"], "expires_at": "2020-01-01T00:00:00Z"}, 422),
        ({"name": "a", "scopes": ["read"], "expires_at": "9999-12-31T23:59:59-23:00"}, 422),
        ({"name": "a", "scopes": ["read"], "expires_at": "2030-01-01T00:00:00"}, 422),
        ({"name": "a", "scopes": ["read"], "user_id": "0" * 32}, 422),
        ({"name": "训练 ünïcode", "scopes": ["read", "read"]}, 201),
    ],
    ids=str,
)
def test_token_requests_are_validated(admin: httpx.Client, body: Any, status: int) -> None:
    assert admin.post(f"{BASE}/tokens", json=body).status_code == status


def test_an_expiry_is_stored_in_utc(any_admin: httpx.Client) -> None:
    later = (datetime.now(UTC) + timedelta(days=2)).replace(microsecond=0)
    local = later.astimezone(datetime.fromisoformat("2026-01-01T00:00:00+05:00").tzinfo)
    made = make_token(any_admin, "read", expires_at=local.isoformat())
    assert datetime.fromisoformat(made["expires_at"]) == later
    (listed,) = any_admin.get(f"{BASE}/tokens").json()["items"]
    assert datetime.fromisoformat(listed["expires_at"]) == later


def test_changing_the_password_signs_the_others_out(any_api: Api, any_admin: httpx.Client) -> None:
    with any_api.visitor() as other:
        signed_in(other)
        token = make_token(any_admin, "read")
        assert any_admin.post(f"{BASE}/password", json={"new": PASSWORD}).status_code == 204
        assert other.get(BASE).status_code == 401
        assert any_admin.get(BASE).json()["has_password"]
        assert other.get(BASE, headers=header(token["token"])).status_code == 200
    wrong = {"current": "not it at all", "new": "another few words"}
    response = any_admin.post(f"{BASE}/password", json=wrong)
    assert (response.status_code, response.json()["error"]) == (403, "forbidden")
    right = {"current": PASSWORD, "new": "another few words"}
    assert any_admin.post(f"{BASE}/password", json=right).status_code == 204
    with any_api.web.readers() as session:
        stored = sessions.ensure_admin(session).password_hash
    assert passwords.verify(stored, "another few words")


def test_attempts_for_the_current_password_are_limited(api: Api) -> None:
    client = signed_in(api.client)
    client.post(f"{BASE}/password", json={"new": PASSWORD})
    body = {"current": "wrong", "new": "another few words"}
    statuses = [client.post(f"{BASE}/password", json=body).status_code for _ in range(11)]
    assert statuses == [403] * 10 + [429]


def test_sessions_are_listed_and_revoked(any_api: Api, any_admin: httpx.Client) -> None:
    with any_api.visitor() as other:
        signed_in(other)
        items = any_admin.get(f"{BASE}/sessions").json()["items"]
        assert [item["current"] for item in items].count(True) == 1
        assert len(items) == 2
        (there,) = (item for item in items if not item["current"])
        assert any_admin.delete(f"{BASE}/sessions/{there['id']}").status_code == 204
        assert other.get(BASE).status_code == 401
        assert any_admin.delete(f"{BASE}/sessions/{there['id']}").status_code == 404
        assert any_admin.delete(f"{BASE}/sessions/{'0' * 32}").status_code == 404
        signed_in(other)
        assert any_admin.delete(f"{BASE}/sessions").status_code == 204
        assert other.get(BASE).status_code == 401
        assert any_admin.get(BASE).status_code == 401


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/password"),
        ("POST", "/tokens"),
        ("DELETE", f"/tokens/{'0' * 32}"),
        ("DELETE", "/sessions"),
        ("DELETE", f"/sessions/{'0' * 32}"),
    ],
)
def test_other_sites_cannot_touch_the_account(api: Api, method: str, path: str) -> None:
    client = signed_in(api.client)
    for headers in ({"Sec-Fetch-Site": "same-site"}, {"Origin": "https://example.org"}):
        response = client.request(method, BASE + path, headers=headers)
        assert (response.status_code, response.json()["error"]) == (403, "cross_origin")
    assert client.get(BASE).status_code == 200


def test_the_audit_lists_who_did_what(any_api: Api, any_admin: httpx.Client) -> None:
    made = make_token(any_admin, "admin")
    with any_api.visitor() as program:
        strong = header(made["token"])
        program.post(f"{BASE}/tokens", json={"name": "b", "scopes": ["read"]}, headers=strong)
    any_admin.delete(f"{BASE}/tokens/{made['id']}")
    any_admin.post(f"{BASE}/password", json={"new": PASSWORD})
    items = any_admin.get("/api/v1/audit").json()["items"]
    assert [(item["action"], item["actor"]) for item in items] == [
        ("password.change", "admin"),
        ("token.revoke", "admin"),
        ("token.create", "admin by token ci"),
        ("token.create", "admin"),
    ]
    assert items[1]["target"] == made["id"]
    assert items[1]["detail"] == {"name": "ci"}
    assert made["token"] not in str(items)


def test_the_audit_is_paginated(any_api: Api, any_admin: httpx.Client) -> None:
    for _ in range(5):
        make_token(any_admin, "read")
    seen, cursor = [], None
    while True:
        query = {"limit": 2, "action": "token.create", **({"cursor": cursor} if cursor else {})}
        part = any_admin.get("/api/v1/audit", params=query).json()
        seen += [item["id"] for item in part["items"]]
        if (cursor := part["next"]) is None:
            break
    assert len(seen) == 5
    assert seen == sorted(seen, reverse=True)
    assert any_admin.get("/api/v1/audit?action=nothing").json() == {"items": [], "next": None}
    for bad in ("x", "-1", "9" * 16, "٣"):
        assert any_admin.get("/api/v1/audit", params={"cursor": bad}).status_code == 422


def test_account_pages_need_their_scopes(api: Api) -> None:
    page = {"Accept": "text/html"}
    client = api.client
    for path in ("/account", "/audit", "/sign-in/password"):
        response = client.get(path, headers=page)
        assert (response.status_code, response.headers["location"]) == (
            303,
            f"/sign-in?next={path}",
        )
    assert "Sign in" in client.get("/models", headers=page).text
    assert "/training" not in client.get("/models", headers=page).text
    signed_in(client)
    make_token(client, "read")
    text = client.get("/account", headers=page).text
    assert "never used" in text
    assert "/training" in text
    assert "Made a token" in client.get("/audit", headers=page).text
    assert client.get("/audit?action=none&cursor=abc", headers=page).status_code == 422
    assert client.get("/sign-in?next=/models", headers=page).headers["location"] == "/models"


def test_a_visitors_page_reads_no_account_rows(api: Api) -> None:
    """The bar at the top costs a visitor no query."""
    from sqlalchemy import event

    seen: list[str] = []

    def note(_c: Any, _cursor: Any, statement: str, *_: Any) -> None:
        seen.append(statement)

    event.listen(api.web.engine, "before_cursor_execute", note)
    try:
        assert api.client.get("/api", headers={"Accept": "text/html"}).is_success
        assert seen == []
        signed_in(api.client)
        assert "admin" in api.client.get("/api", headers={"Accept": "text/html"}).text
        assert len([statement for statement in seen if "logins" in statement]) == 1
    finally:
        event.remove(api.web.engine, "before_cursor_execute", note)
