"""A bad network: what gets lost is asked for again, and a page ends complete."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Page, Route, expect

from tests.support.own_server import own_server
from tests.support.pages import EXAMPLES, WIDE, Visit, Windows, analysed, serious, until

pytestmark = pytest.mark.xdist_group("browser: a photo")
EVERY = 10
AWAY = re.compile("The server cannot be reached. This page goes on by itself")
WATCHED = re.compile("of 4 models ready|Waiting for the worker")  # as the page's scripts say
PICTURES = """() => [...document.images]
    .filter((image) => image.loading !== "lazy" && image.src && image.checkVisibility())
    .filter((image) => !image.complete || image.naturalWidth === 0).map((image) => image.src)"""
STYLES = "() => [...document.styleSheets].length"


def losing(page: Page, lost: Callable[[str, int], bool]) -> list[str]:
    """Abort the page's requests for which `lost(address, number)` holds; return their addresses."""
    gone: list[str] = []
    number = 0

    def handle(route: Route) -> None:
        nonlocal number
        number += 1
        if route.request.is_navigation_request() or not lost(route.request.url, number):
            return route.continue_()
        gone.append(route.request.url)
        return route.abort("connectionreset")

    page.route("**/*", handle)
    return gone


@pytest.fixture(scope="module")
def clip(server: str) -> str:
    """Path of a page: a clip, by two models."""
    return analysed(server, EXAMPLES / "camera.mp4", models=["fight-gated", "camera-motion"])


@pytest.mark.parametrize("kind", ["photo", "clip"])
def test_every_tenth_request_is_lost(
    visit: Visit, kind: str, request: pytest.FixtureRequest
) -> None:
    page = visit.page
    path = request.getfixturevalue(kind)
    visit.show(path)
    styles = page.evaluate(STYLES)
    gone = losing(page, lambda _, number: number % EVERY == 0)
    visit.show(path)
    assert len(gone) > EVERY
    assert {Path(one.partition("?")[0]).suffix for one in gone} >= {".js", ".npy"}
    page.wait_for_function(f"() => ({STYLES})() === {styles} && ({PICTURES})().length === 0")
    expect(page.locator(".lead .frame.lit")).to_be_visible()
    if kind == "clip":
        expect(page.locator("video")).to_be_visible()
        expect(page.locator("[data-waiting]")).to_be_hidden()
    for trouble in (".again", ".notice.away", "[data-problem]:not([hidden])"):
        assert page.locator(trouble).all_inner_texts() == []
    visit.complaints.clear()  # the browser notes each lost request itself


def test_one_map_that_does_not_come_is_one_cell(visit: Visit, photo: str) -> None:
    visit.open(photo)
    items = httpx.get(f"{visit.address}/api/v1{photo}/heatmaps?limit=100").json()["items"]
    one = next(m for m in items if (m["model"], m["stage"]) == ("cbam", "late"))
    gone = losing(visit.page, lambda address, _: one["links"]["npy"] in address)
    page = visit.open(photo)
    cell = page.locator(f'.cell[data-model=cbam][data-stage=late][data-method="{one["method"]}"]')
    again = cell.get_by_role("button", name="Try again")
    expect(again).to_be_visible()
    assert len(gone) == 5
    others = page.locator(".cell:not(.none):not(.failed)")
    expect(page.locator(".cell.ready")).to_have_count(others.count())
    expect(cell).to_have_attribute("aria-label", re.compile("The server cannot be reached"))
    expect(page.locator("[data-problem]")).to_be_hidden()
    assert serious(page) == []
    page.unroute_all()
    again.press("Enter")
    visit.complete()
    expect(again).to_have_count(0)
    visit.complaints.clear()  # as above


def test_offline_is_said_and_passes(visit: Visit, photo: str) -> None:
    page = visit.show(photo)
    visit.context.set_offline(True)
    notice = page.get_by_text("You are offline. This page goes on by itself")
    try:
        expect(notice).to_be_visible()
        assert serious(page) == []
    finally:
        visit.context.set_offline(False)
    expect(notice).to_be_hidden()
    visit.complaints.clear()  # as above


def test_a_server_that_was_killed_is_caught_up_with(windows: Windows, tmp_path: Path) -> None:
    """Killed in the page's first instant, and while it runs. Nobody touches the page meanwhile."""
    with own_server(tmp_path) as server:
        with httpx.Client(base_url=f"{server.address}/api/v1", timeout=60) as api:
            until(lambda: api.get("/models").json()["items"])
            photo = {"file": ("a.jpg", (EXAMPLES / "church.jpg").read_bytes())}
            media = api.post("/media", files=photo).raise_for_status().json()
            asked = {"media_id": media["id"], "models": ["plain", "l2pa", "gated", "cbam"]}
            made = api.post("/analyses", json=asked).raise_for_status().json()
        visiting = windows.visiting(server.address, WIDE, "light")
        visit = next(visiting)
        page = visit.page
        away, status = page.locator(".notice.away"), page.locator("[data-status]")
        with page.expect_response("**/resources.js") as first:
            page.goto(server.address + made["links"]["page"], wait_until="commit")
        first.value.finished()
        server.kill()
        expect(away).to_be_visible()  # by the script that runs first: no other has come
        server.start()
        server.hold_workers()
        expect(away).to_have_count(0, timeout=60_000)
        expect(status).to_have_text(WATCHED, timeout=60_000)
        server.kill()
        expect(away.filter(has_text=AWAY)).to_be_visible()
        server.start()
        visit.complete()
        expect(status).to_have_text(re.compile("4 models in"))
        expect(away).to_have_count(0)
        expect(page.locator(".again")).to_have_count(0)
        assert page.evaluate(PICTURES) == []
        visit.complaints.clear()  # as above
        assert not list(visiting)
