"""An imported model is its importer's and the admins' until it is published."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from app.db import models
from tests.support.signing_in import as_user, signed_in
from tests.support.web import Api, card

BASE = "/api/v1"
PAGE = {"accept": "text/html"}
SECRET = "The secret one"


@pytest.fixture
def importer(api: Api) -> httpx.Client:
    """A client of the user who has imported the model `secret`; they are no admin."""
    client = api.visitor()
    user_id = as_user(client)
    source = {"kind": "import", "imported_at": "2026-11-27T10:00:00+00:00"}
    facts: dict[str, Any] = {"title": SECRET, "default": False, "source": source}
    with api.web.sessions.begin() as session:
        models.put(session, card(9, "secret", **facts, private_to=user_id))
    return client


def seen(client: httpx.Client) -> list[Any]:
    """What a client sees of the model, everywhere."""
    listed = client.get(f"{BASE}/models").json()["items"]
    return [
        "secret" in [item["id"] for item in listed],
        client.get(f"{BASE}/models/secret").status_code == 200,
        SECRET in client.get("/models", headers=PAGE).text,
        client.get("/models/secret", headers=PAGE).status_code == 200,
    ]


def test_a_stranger_neither_sees_nor_uses_it(api: Api, importer: httpx.Client) -> None:
    stranger, other = api.visitor(), api.visitor()
    as_user(other, "other")
    photo = api.upload(client=stranger)["id"]
    for client in (stranger, other):
        assert seen(client) == [False] * 4
        asked = client.post(f"{BASE}/analyses", json={"media_id": photo, "models": ["secret"]})
        assert asked.status_code == 422
        assert SECRET not in client.get("/", headers=PAGE).text
    page = stranger.get(api.analyse(photo, client=stranger)["links"]["page"], headers=PAGE)
    assert SECRET not in page.text
    assert stranger.post(f"{BASE}/models/secret/publish", json={}).status_code == 401
    assert other.post(f"{BASE}/models/secret/publish", json={}).status_code == 403
    assert other.delete(f"{BASE}/models/secret").status_code == 403


def test_the_importer_and_admins_see_and_use_it(api: Api, importer: httpx.Client) -> None:
    assert seen(importer) == [True] * 4
    assert seen(signed_in(api.client)) == [True] * 4
    photo = api.upload(client=importer)["id"]
    usual = api.analyse(photo, client=importer)
    assert "secret" not in usual["request"]["models"]
    analysis = api.analyse(photo, client=importer, models=["secret"])
    assert analysis["request"]["models"] == ["secret"]
    shared = api.visitor().get(analysis["links"]["page"], headers=PAGE).text
    assert SECRET in shared  # who is given the address of a result sees its rows
    assert "private_to" not in shared


def test_publishing_shows_it_to_everybody(api: Api, importer: httpx.Client) -> None:
    admin, at = signed_in(api.client), f"{BASE}/models/secret/publish"
    assert admin.post(at, json={"title": "Plain"}).status_code == 409  # another model's
    made = admin.post(at, json={"title": "Known_to all"}).json()
    assert (made["title"], made["default"]) == ("Known to all", False)
    assert "private_to" not in made
    assert admin.post(at, json={}).status_code == 409
    stranger = api.visitor()
    assert stranger.get(f"{BASE}/models/secret").json()["title"] == "Known to all"
    entry = admin.get(f"{BASE}/audit").json()["items"][0]
    assert (entry["action"], entry["detail"]["title"]) == ("model.publish", "Known to all")
    assert admin.delete(f"{BASE}/models/secret").status_code == 204
    assert stranger.get(f"{BASE}/models/secret").status_code == 404


def rows_of_newcomer(api: Api) -> list[str]:
    """The models of an analysis for a new visitor who names none."""
    client = api.visitor()
    found = api.analyse(api.upload(client=client)["id"], client=client)
    return list(found["request"]["models"])


def test_an_admin_chooses_the_rows_of_the_usual_table(api: Api, importer: httpx.Client) -> None:
    admin, at = signed_in(api.client), f"{BASE}/models/secret"
    assert admin.post(f"{at}/default", json={"default": True}).status_code == 409  # private
    assert admin.post(f"{at}/publish", json={}).status_code == 200
    assert rows_of_newcomer(api) == ["plain", "gated"]
    assert "data-usual>" in admin.get("/models/secret", headers=PAGE).text
    assert importer.post(f"{at}/default", json={"default": True}).status_code == 403
    assert admin.post(f"{at}/default", json={"default": True}).json()["default"] is True
    assert "data-usual checked>" in admin.get("/models/secret", headers=PAGE).text
    assert rows_of_newcomer(api) == ["plain", "gated", "secret"]
    taken_out = admin.post(f"{BASE}/models/plain/default", json={"default": False})
    assert taken_out.json()["default"] is False
    api.publish("plain", "gated")  # a worker starts anew
    assert rows_of_newcomer(api) == ["gated", "secret"]
    actions = [entry["action"] for entry in admin.get(f"{BASE}/audit").json()["items"]]
    assert actions[:2] == ["model.no-default", "model.default"]
    assert "data-usual" not in importer.get("/models/secret", headers=PAGE).text


def test_without_a_usual_row_those_that_came_along_are_taken(
    api: Api, importer: httpx.Client
) -> None:
    admin = signed_in(api.client)
    assert admin.post(f"{BASE}/models/secret/publish", json={}).status_code == 200
    for name in ("plain", "gated"):
        admin.post(f"{BASE}/models/{name}/default", json={"default": False})
    assert rows_of_newcomer(api) == ["plain", "gated"]
