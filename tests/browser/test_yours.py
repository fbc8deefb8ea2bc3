"""All analyses of a visitor: reached, found, chosen, deleted, kept. The server has no worker."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from app.core.security import COOKIE
from tests.support.backend import photo
from tests.support.pages import PHONE, WIDE, Visit, Windows, overflows, serious, until
from tests.support.web import Api, shared_server

LIST = "/api/v1/analyses"


@pytest.fixture
def api() -> Api:
    server = shared_server()
    server.reset()
    return server


@pytest.fixture
def wide(windows: Windows, api: Api) -> Iterator[Visit]:
    yield from windows.visiting(api.url, WIDE, "light")


@pytest.fixture
def phone(windows: Windows, api: Api) -> Iterator[Visit]:
    yield from windows.visiting(api.url, PHONE, "dark")


def with_analyses(api: Api, visit: Visit, count: int) -> Page:
    """The page of a visitor with as many analyses of files `0.jpg`, `1.jpg`, ... of one photo."""
    for n in range(min(count, 3)):
        files = {"file": (f"{n}.jpg", photo(n))}
        media = api.client.post("/api/v1/media", files=files).json()["id"]
        for m in range(n, count, 3):
            api.analyse(media, input_size=96 + m)
    cookie = {"name": COOKIE, "value": api.client.cookies[COOKIE], "url": api.url}
    visit.context.add_cookies([cookie])  # type: ignore[list-item]
    return visit.open("/yours")


def left(api: Api) -> int:
    return len(api.client.get(LIST, params={"limit": 100}).json()["items"])


def deletions(visit: Visit) -> list[str]:
    return [url for url in visit.requests if f"{LIST}?id=" in url]


def test_older_ones_are_reached_and_found(api: Api, wide: Visit) -> None:
    page = with_analyses(api, wide, 57)
    rows = page.locator("[data-one]")
    expect(rows).to_have_count(50)
    page.get_by_role("link", name="Older ones").click()
    expect(rows).to_have_count(57)
    expect(page.get_by_role("link", name="Older ones")).to_have_count(0)
    expect(rows.nth(50).get_by_role("link")).to_be_focused()
    assert serious(page) == []
    page.keyboard.press("/")
    page.keyboard.type("1.JPG")
    expect(rows).to_have_count(19)
    expect(page.get_by_role("status")).to_have_text("19 analyses found")
    assert page.url.endswith("/yours?search=1.JPG")
    page.get_by_label("Kind").select_option("Clips")
    expect(page.get_by_text("Nothing matches.")).to_be_visible()
    page.get_by_role("link", name="Show all of yours").click()
    expect(rows).to_have_count(50)
    page.get_by_label("From").fill("2999-01-01")
    expect(page.get_by_text("Nothing matches.")).to_be_visible()
    assert "from=2999-01-01&zone=" in page.url


def test_a_range_is_deleted_and_undone_with_the_keyboard(api: Api, wide: Visit) -> None:
    page = with_analyses(api, wide, 6)
    page.clock.install()
    page.reload()
    boxes = page.locator("[data-pick]")
    boxes.nth(1).focus()
    page.keyboard.press("Space")
    boxes.nth(3).click(modifiers=["Shift"])
    expect(page.locator("[data-pick]:checked")).to_have_count(3)
    expect(page.locator("[data-count]")).to_have_text("3 of 6 selected")
    page.keyboard.press("Delete")
    shown = page.locator("[data-one]:visible")
    expect(shown).to_have_count(3)
    expect(page.get_by_role("status")).to_contain_text("3 analyses deleted")
    expect(boxes.nth(4)).to_be_focused()  # the next one that is left
    page.clock.run_for(9_000)
    page.keyboard.press("Control+z")
    expect(shown).to_have_count(6)
    page.clock.run_for(60_000)
    assert (left(api), deletions(wide)) == (6, [])
    boxes.first.check()
    page.get_by_role("button", name="Delete 1 analysis").click()
    page.mouse.move(0, 0)
    page.clock.run_for(9_000)
    assert deletions(wide) == []
    page.clock.run_for(2_000)
    until(lambda: left(api) == 5)
    expect(page.locator("[data-count]")).to_have_text("5 analyses")
    expect(page.locator("[data-one]")).to_have_count(5)


def test_leaving_the_page_deletes_what_waits(api: Api, phone: Visit) -> None:
    page = with_analyses(api, phone, 24)
    assert serious(page) == []
    assert overflows(page) == 0
    page.get_by_label("Select all").check()
    assert serious(page) == []
    page.get_by_role("button", name="Delete 24 analyses").click()
    expect(page.get_by_role("button", name="Undo")).to_be_visible()
    page.reload()
    until(lambda: left(api) == 0)
    assert api.client.get("/api/v1/media").json()["items"] == []
    phone.open("/yours")
    expect(page.get_by_role("link", name="Start with a photo")).to_be_visible()
    assert serious(page) == []


def test_what_the_server_refuses_comes_back(api: Api, wide: Visit) -> None:
    page = with_analyses(api, wide, 2)
    wide.context.clear_cookies()  # the analyses are now somebody else's
    page.locator("[data-pick]").first.check()
    page.get_by_role("button", name="Delete").click()
    page.locator("[data-pick]").last.check()
    page.get_by_role("button", name="Delete").click()  # what waited is sent at once
    expect(page.get_by_role("alert")).to_contain_text("1 analysis could not be deleted")
    page.get_by_role("button", name="Undo").click()
    expect(page.locator("[data-one]:visible")).to_have_count(2)
    assert left(api) == 2
    wide.complaints.clear()  # the browser notes the 403 itself
