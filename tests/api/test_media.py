"""Photos: how they are served, listed and deleted."""

from __future__ import annotations

import pytest

from tests.support.backend import photo
from tests.support.web import Api, files_of


def test_the_original_is_served_as_data_only(api: Api) -> None:
    files = {"file": ('a "b" é.html', photo(), "text/html")}
    media = api.client.post("/api/v1/media", files=files).json()
    response = api.client.get(media["links"]["content"])
    headers = response.headers
    assert headers["content-type"] == "image/jpeg"  # what it is, not what it was sent as
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["content-security-policy"] == "sandbox; default-src 'none'"
    assert headers["content-disposition"].startswith("inline; filename*=UTF-8''a%20%22b%22")
    assert "\r" not in headers["content-disposition"]


@pytest.mark.parametrize("part", ["content", "view"])
def test_what_cannot_change_is_kept_for_ever(api: Api, part: str) -> None:
    url = api.upload()["links"][part]
    first = api.client.get(url)
    assert first.headers["cache-control"] == "private, max-age=31536000, immutable"
    tag = first.headers["etag"]
    for sent in (tag, f"W/{tag}", f'"other", {tag}', "*"):
        again = api.client.get(url, headers={"If-None-Match": sent})
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["etag"] == tag
    assert api.client.get(url, headers={"If-None-Match": '"other"'}).status_code == 200
    head = api.client.head(url)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == str(len(first.content))
    part_of_it = api.client.get(url, headers={"Range": "bytes=0-9"})
    assert (part_of_it.status_code, part_of_it.content) == (206, first.content[:10])


def test_a_list_shows_ones_own_newest_first_in_parts(any_api: Api) -> None:
    ids = [any_api.upload(photo(seed))["id"] for seed in range(5)]
    with any_api.visitor() as other:
        assert other.get("/api/v1/media").json() == {"items": [], "next": None}
        any_api.upload(photo(9), other)
    seen: list[str] = []
    cursor: dict[str, str] = {}
    while True:
        part = any_api.client.get("/api/v1/media", params={"limit": "2", **cursor}).json()
        assert len(part["items"]) <= 2
        seen += [item["id"] for item in part["items"]]
        if part["next"] is None:
            break
        cursor = {"cursor": part["next"]}
    assert seen == ids[::-1]


@pytest.mark.parametrize("cursor", ["", "x", "e30", "MjAyNi0wMS0wMSBhYmM", "é", "A" * 200])
def test_a_cursor_from_elsewhere_is_refused(api: Api, cursor: str) -> None:
    response = api.client.get("/api/v1/media", params={"cursor": cursor})
    assert response.status_code == 422
    assert "next" in response.json()["detail"]


def test_only_the_owner_deletes_and_all_of_it_goes(any_api: Api) -> None:
    media = any_api.upload()
    analysis = any_api.analyse(media["id"])
    any_api.finish(analysis["id"])
    with any_api.visitor() as other:
        assert other.get(media["links"]["self"]).status_code == 200  # a link shows it to anybody
        refusal = other.delete(media["links"]["self"])
        assert (refusal.status_code, refusal.json()["error"]) == (403, "forbidden")
    assert any_api.client.delete(media["links"]["self"]).status_code == 204
    assert files_of(any_api.settings) == set()
    for url in (*media["links"].values(), analysis["links"]["self"]):
        assert any_api.client.get(url).status_code == 404
    assert any_api.client.delete(media["links"]["self"]).status_code == 404
