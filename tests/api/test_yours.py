"""A visitor's own analyses: listed in parts, found, deleted together, and nobody else's."""

from __future__ import annotations

import io
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from PIL import Image
from sqlalchemy import update

from app.db.tables import Analysis, Media, Prediction
from tests.support.backend import photo
from tests.support.web import Api, files_of

LIST = "/api/v1/analyses"
NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)


def several(api: Api, count: int) -> list[str]:
    """Ids of analyses of as many photos, a day apart, the newest at noon on 10 March."""
    media = [api.upload(photo(seed))["id"] for seed in range(min(count, 5))]
    made = [api.analyse(media[n % 5], input_size=96 + n)["id"] for n in range(count)]
    for days, one in enumerate(reversed(made)):
        change(api, Analysis, one, created_at=NOON - timedelta(days=days))
    return made


def change(api: Api, table: Any, row_id: str, **values: Any) -> None:
    with api.web.sessions.begin() as session:
        session.execute(update(table).where(table.id == row_id).values(**values))


def listed(api: Api, **params: Any) -> list[str]:
    return [item["id"] for item in api.client.get(LIST, params=params).json()["items"]]


def test_parts_hold_every_own_analysis_once(any_api: Api) -> None:
    made = several(any_api, 5)
    with any_api.visitor() as other:
        assert other.get(LIST).json() == {"items": [], "next": None}
        any_api.analyse(any_api.upload(photo(9), other)["id"], other)
    seen: list[str] = []
    cursor: dict[str, str] = {}
    while True:
        part = any_api.client.get(LIST, params={"limit": "2", **cursor}).json()
        seen += [item["id"] for item in part["items"]]
        if part["next"] is None:
            break
        cursor = {"cursor": part["next"]}
    assert seen == made[::-1]


def test_a_list_says_what_the_first_model_said(any_api: Api) -> None:
    found = any_api.analyse(any_api.upload()["id"], models=["plain", "gated"])
    first = any_api.client.get(LIST).json()["items"][0]
    assert (first["answer"], first["state"], first["filename"]) == (None, "queued", "photo.jpg")
    any_api.finish(found["id"])
    with any_api.web.sessions.begin() as session:
        row = session.get_one(Prediction, (found["id"], "plain"))
        row.top = [{"index": 1, "name": "church", "probability": 0.9}]
    item = any_api.client.get(LIST).json()["items"][0]
    assert item["answer"] == {
        "model": "plain",
        "name": "church",
        "probability": 0.9,
        "abstained": False,
    }
    assert (item["kind"], item["state"], item["links"]["page"]) == (
        "image",
        "succeeded",
        found["links"]["page"],
    )


def test_search_finds_file_names_and_first_answers(any_api: Api) -> None:
    one, two, three = several(any_api, 3)
    for analysis_id, name in ((one, "Garden 100%.jpg"), (two, "garden_b.jpg"), (three, "x.jpg")):
        media_id = any_api.client.get(f"{LIST}/{analysis_id}").json()["media_id"]
        change(any_api, Media, media_id, filename=name)
    assert listed(any_api, search="GARDEN") == [two, one]
    assert listed(any_api, search="100%") == [one]
    assert listed(any_api, search="n_b") == [two]
    assert listed(any_api, search="TENCH") == []
    any_api.finish(three)
    assert listed(any_api, search=" tench ") == [three]
    assert listed(any_api, search="parachute") == []  # its third class


def test_kind_and_time_choose(any_api: Api) -> None:
    one, two, three = several(any_api, 3)
    media_id = any_api.client.get(f"{LIST}/{two}").json()["media_id"]
    change(any_api, Media, media_id, kind="clip")
    assert listed(any_api, kind="clip") == [two]
    assert listed(any_api, kind="image") == [three, one]
    noon = NOON - timedelta(days=1)
    assert listed(any_api, since=noon.isoformat()) == [three, two]
    assert listed(any_api, before=noon.isoformat()) == [one]
    in_tokyo = (noon + timedelta(hours=9)).replace(tzinfo=None).isoformat() + "+09:00"
    assert listed(any_api, since=in_tokyo, limit=1) == [three]
    assert listed(any_api, before=in_tokyo) == [one]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("kind", "song"),
        ("since", "2026-03-10T12:00:00"),
        ("since", "0001-01-01T00:00:00+14:00"),
        ("before", "soon"),
        ("search", "a\0b"),
    ],
)
def test_a_filter_that_means_nothing_is_refused(api: Api, name: str, value: str) -> None:
    response = api.client.get(LIST, params={name: value})
    assert response.status_code == 422
    assert name in response.json()["detail"]


def test_several_go_together_or_not_at_all(any_api: Api) -> None:
    one, two, three = several(any_api, 3)
    with any_api.visitor() as other:
        theirs = any_api.analyse(any_api.upload(photo(9), other)["id"], other)["id"]
        assert other.delete(LIST, params={"id": [one, theirs]}).status_code == 403
        assert other.get(f"{LIST}/{theirs}").status_code == 200
    refusal = any_api.client.delete(LIST, params={"id": [one, theirs]})
    assert (refusal.status_code, refusal.json()["error"]) == (403, "forbidden")
    assert listed(any_api) == [three, two, one]
    gone = "0" * 32
    assert any_api.client.delete(LIST, params={"id": [one, gone, two]}).status_code == 204
    assert listed(any_api) == [three]
    assert any_api.client.delete(LIST, params={"id": [one, two]}).status_code == 204
    for nothing in ({}, {"id": ["x"]}, {"id": ["0" * 32] * 101}):
        assert any_api.client.delete(LIST, params=nothing).status_code == 422


def test_the_photo_goes_with_its_last_analysis_if_that_is_asked(any_api: Api) -> None:
    media = any_api.upload()
    first = any_api.analyse(media["id"], models=["plain"])
    second = any_api.analyse(media["id"], models=["gated"])
    for one in (first, second):
        any_api.finish(one["id"])
    with any_api.visitor() as other:  # who has the link may analyse it, but does not own it
        third = any_api.analyse(media["id"], other, models=["plain", "gated"])
    both = {"id": [first["id"], second["id"]], "with_media": True}
    assert any_api.client.delete(LIST, params=both).status_code == 204
    assert any_api.client.get(media["links"]["view"]).status_code == 200
    with any_api.web.sessions.begin() as session:
        session.get_one(Analysis, third["id"]).owner = session.get_one(Media, media["id"]).owner
    last = any_api.client.delete(third["links"]["self"], params={"with_media": True})
    assert last.status_code == 204
    assert any_api.client.get(media["links"]["view"]).status_code == 404
    assert files_of(any_api.settings) == set()


def test_somebody_elses_photo_stays(api: Api) -> None:
    media = api.upload()
    with api.visitor() as other:
        made = api.analyse(media["id"], other)
        gone = other.delete(made["links"]["self"], params={"with_media": True})
    assert gone.status_code == 204
    assert api.client.get(media["links"]["view"]).status_code == 200


def test_a_small_view(api: Api) -> None:
    media = api.upload(photo(1, (640, 320)))
    small = api.client.get(media["links"]["view"], params={"size": "224"})
    assert Image.open(io.BytesIO(small.content)).size == (224, 112)
    assert small.headers["cache-control"] == "private, max-age=31536000, immutable"
    tag = {"If-None-Match": small.headers["etag"]}
    again = api.client.get(media["links"]["view"], params={"size": "224"}, headers=tag)
    assert again.status_code == 304
    assert small.headers["etag"] != api.client.get(media["links"]["view"]).headers["etag"]


def rows_of(text: str) -> list[str]:
    return re.findall(r'data-one="(\w+)"', text)


def test_the_page_lists_finds_and_goes_on(api: Api) -> None:
    made = several(api, 53)
    text = api.client.get("/yours").text
    assert rows_of(text) == made[:2:-1]
    assert "53 analyses" in text
    older = re.search(r'href="(/yours\?[^"]*cursor=[^"]+)"', text)
    assert older is not None
    assert rows_of(api.client.get(older[1].replace("&amp;", "&")).text) == made[2::-1]
    day = {"from": "2026-03-09", "to": "2026-03-09"}
    assert rows_of(api.client.get("/yours", params=day).text) == [made[-2]]
    # In a zone 13 hours ahead of UTC, noon in UTC is the next day.
    ahead = api.client.get("/yours", params={**day, "zone": "-780"}).text
    assert rows_of(ahead) == [made[-3]]
    assert rows_of(api.client.get("/yours", params={"kind": "clip"}).text) == []
    with api.visitor() as other:
        assert rows_of(other.get("/yours").text) == []


@pytest.mark.parametrize(
    "query", ["from=never", "zone=x", "kind=song", "from=0001-01-01&zone=-840"]
)
def test_the_page_takes_no_offence(api: Api, query: str) -> None:
    """An address that somebody has edited shows the list without that condition."""
    made = several(api, 1)
    response = api.client.get(f"/yours?{query}")
    assert (response.status_code, rows_of(response.text)) == (200, made)
