"""Limits of requests hold over several web processes, and say when to come back."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from sqlalchemy import func, select, update

from app.core.errors import TooMany
from app.core.settings import Settings
from app.db import jobs
from app.db.rates import WINDOW
from app.db.tables import Job, Rate
from app.web.http.proxies import network
from app.web.http.ratelimit import RateLimiter
from tests.support.backend import photo, wait_for
from tests.support.databases import settings
from tests.support.web import Api, running

__all__ = ["settings"]

Two = tuple[Api, Api]
AT_ONCE = 12


@pytest.fixture
def two(settings: Settings, request: pytest.FixtureRequest) -> Iterator[Two]:
    """Two web applications on one database and one `HOME`, with the limits of the test."""
    changed = settings.model_copy(update=request.param)
    with running(changed) as first, running(changed, migrate=False) as second:
        first.publish("plain", "gated")
        yield first, second


def ask(server: Api, client: httpx.Client, media_id: str, size: int) -> httpx.Response:
    body = {"media_id": media_id, "input_size": size}
    cookies = {"cookie": "; ".join(f"{k}={v}" for k, v in client.cookies.items())}
    return httpx.post(f"{server.url}/api/v1/analyses", json=body, headers=cookies, timeout=60)


def flood(two: Two, client: httpx.Client, media_id: str) -> list[httpx.Response]:
    """Ask both servers for different analyses at the same moment, as one visitor."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        each = range(AT_ONCE)
        return list(pool.map(lambda n: ask(two[n % 2], client, media_id, 96 + n), each))


@pytest.mark.parametrize("two", [{"analyses_per_minute": 3}], indirect=True)
def test_analyses_of_a_visitor_are_limited(two: Two) -> None:
    media_id, client = two[0].upload()["id"], two[0].client
    answers = flood(two, client, media_id)
    assert sorted(answer.status_code for answer in answers) == [202] * 3 + [429] * (AT_ONCE - 3)
    refused = next(answer for answer in answers if answer.status_code == 429)
    assert "more than 3 analyses a minute" in refused.json()["detail"]
    assert 0 < int(refused.headers["retry-after"]) <= WINDOW
    assert two[1].client.get(f"/api/v1/media/{media_id}").status_code == 200  # reading is free
    with two[1].visitor() as other:
        assert ask(two[1], other, media_id, 400).status_code == 202
    statuses = []
    for n in range(AT_ONCE):  # whoever drops the cookie keeps the address
        with two[n % 2].visitor() as another:
            statuses.append(ask(two[n % 2], another, media_id, 200 + n).status_code)
    assert statuses.count(202) == 4 * 3 - 3 - 1
    with two[0].web.sessions.begin() as session:
        session.execute(update(Rate).values(started=Rate.started - WINDOW))
    assert ask(two[1], client, media_id, 300).status_code == 202


@pytest.mark.parametrize("two", [{"analyses_waiting": 2}], indirect=True)
def test_only_some_analyses_of_a_visitor_may_wait(two: Two) -> None:
    media_id, client = two[0].upload()["id"], two[0].client
    answers = flood(two, client, media_id)
    assert sorted(answer.status_code for answer in answers) == [202] * 2 + [429] * (AT_ONCE - 2)
    refused = next(answer for answer in answers if answer.status_code == 429)
    assert "2 of your analyses are waiting already" in refused.json()["detail"]
    assert int(refused.headers["retry-after"]) > 0
    with two[0].web.readers() as session:
        assert session.scalar(select(func.count()).select_from(Job)) == 2  # nothing else is left
    for answer in answers:
        if answer.status_code == 202:
            two[0].finish(answer.json()["id"])
            break
    assert ask(two[1], client, media_id, 300).status_code == 202


@pytest.mark.parametrize("two", [{"uploads_per_minute": 2}], indirect=True)
def test_uploads_are_counted_by_both(two: Two) -> None:
    first, second = two
    first.upload(photo(0))
    cookies = dict(first.client.cookies)
    with second.visitor(cookies=cookies) as client:
        statuses = [
            client.post("/api/v1/media", files={"file": ("a.jpg", photo(n))}).status_code
            for n in (1, 2)
        ]
    assert statuses == [201, 429]


def test_a_limit_is_counted_in_windows_of_a_minute(api: Api) -> None:
    now = [1000.0]
    limiter = RateLimiter(api.web.sessions, api.web.readers, lambda: now[0])
    for _ in range(2):
        limiter.count({"a": 2, "b": 5}, "things")
    with pytest.raises(TooMany, match="more than 2 things a minute; try again in 60 seconds") as no:
        limiter.count({"a": 2, "b": 5}, "things")
    assert no.value.retry_after == WINDOW
    limiter.count({"b": 3}, "things")  # what was refused was counted nowhere
    limiter.count({"a": 0}, "things")  # no limit
    now[0] += WINDOW
    limiter.count({"a": 2}, "things")


@pytest.mark.parametrize(
    ("address", "counted"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        ("fe80::1%eth0", "fe80::"),
        ("none", "none"),
    ],
)
def test_addresses_of_one_customer_count_together(address: str, counted: str) -> None:
    assert network(address) == counted


@pytest.mark.parametrize("two", [{"figures_per_minute": 1}], indirect=True)
def test_drawings_are_limited_by_address(two: Two) -> None:
    first = two[0]
    analysis = first.analyse(first.upload()["id"])
    first.finish(analysis["id"])
    figure = analysis["links"]["figure_png"]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        asked = [
            pool.submit(httpx.get, f"{two[n % 2].url}{figure}?alpha=0.{n}", timeout=60)
            for n in range(1, 5)
        ]
        wait_for(lambda: drawing(first) and sum(one.done() for one in asked) == 3)
        with first.web.sessions.begin() as session:  # there is no worker: the last one waits
            assert jobs.cancel(session, drawing(first)[0])
        answers = [one.result() for one in asked]
    assert sorted(answer.status_code for answer in answers) == [429, 429, 429, 500]
    assert drawing(first) == []
    refused = next(answer for answer in answers if answer.status_code == 429)
    assert "more than 1 figures and films a minute" in refused.json()["detail"]


def drawing(server: Api) -> list[str]:
    """The figures that wait for a worker."""
    waiting = select(Job.id).where(Job.kind == "draw_figure", Job.state == "queued")
    with server.web.readers() as session:
        return list(session.scalars(waiting))
