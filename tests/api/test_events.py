"""Following an analysis by server-sent events."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from app.web.http import sse
from tests.support.backend import wait_for
from tests.support.web import Api


def events(response: httpx.Response) -> Iterator[dict[str, str]]:
    """Parse a stream into its events."""
    event: dict[str, str] = {}
    for line in response.iter_lines():
        if line.startswith(":"):
            continue
        if not line:
            if event:
                yield event
            event = {}
        else:
            name, _, value = line.partition(": ")
            event[name] = value
    assert event == {}


def read_all(api: Api, url: str, **headers: str) -> list[dict[str, str]]:
    with api.client.stream("GET", url, headers=headers) as response:
        assert response.headers["content-type"].startswith("text/event-stream")
        return list(events(response))


def test_every_change_is_told_until_the_end(api: Api) -> None:
    body = api.analyse(api.upload()["id"])
    with api.client.stream("GET", body["links"]["events"]) as response:
        stream = events(response)
        first = next(stream)
        assert json.loads(first["data"])["state"] == "queued"
        assert (first["event"], first["id"]) == ("analysis", "0")
        threading.Thread(target=api.finish, args=(body["id"],)).start()
        received = [first, *stream]
    states = [json.loads(event["data"]) for event in received]
    revisions = [int(event["id"]) for event in received]
    assert revisions == sorted(set(revisions))
    assert [state["revision"] for state in states] == revisions
    assert states[-1] == api.client.get(body["links"]["self"]).json()
    assert states[-1]["state"] == "succeeded"


def test_a_client_resumes_after_what_it_has_seen(api: Api, analysis: Any) -> None:
    url = analysis["links"]["events"]
    assert len(read_all(api, url)) == 1
    last = {"Last-Event-ID": str(analysis["revision"])}
    [end] = read_all(api, url, **last)  # sent again, so that nobody waits for it
    assert json.loads(end["data"]) == analysis
    assert len(read_all(api, url, **{"Last-Event-ID": "0"})) == 1
    assert api.client.get(url, headers={"Last-Event-ID": "x"}).status_code == 422


def test_a_stream_ends_after_its_lifetime_and_holds_no_session(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sse, "LIFETIME", 0.5)
    body = api.analyse(api.upload()["id"])
    start = time.monotonic()
    assert len(read_all(api, body["links"]["events"])) == 1
    assert 0.4 < time.monotonic() - start < 60
    assert api.web.engine.pool.checkedout() == 0  # type: ignore[attr-defined]


def test_a_deleted_analysis_ends_its_stream(api: Api) -> None:
    body = api.analyse(api.upload()["id"])
    with api.client.stream("GET", body["links"]["events"]) as response:
        stream = events(response)
        next(stream)
        with httpx.Client(base_url=api.url, cookies=api.client.cookies) as same:
            assert same.delete(body["links"]["self"]).status_code == 204
        assert [event["event"] for event in stream] == ["gone"]


def test_a_client_that_goes_away_ends_its_stream(api: Api) -> None:
    body = api.analyse(api.upload()["id"])
    route = ("GET", "/analyses/{analysis_id}/events", 200)
    before = api.answered(*route)
    with api.client.stream("GET", body["links"]["events"]) as response:
        next(events(response))
        with api.visitor() as other:
            assert other.get("/healthz").status_code == 200
    wait_for(lambda: api.answered(*route) == before + 1, 60)


def test_unknown_analyses_and_head(api: Api) -> None:
    missing = api.client.get(f"/api/v1/analyses/{'0' * 32}/events")
    assert (missing.status_code, missing.json()["error"]) == (404, "not_found")
    body = api.analyse(api.upload()["id"])
    head = api.client.head(body["links"]["events"])
    assert (head.status_code, head.content) == (200, b"")
