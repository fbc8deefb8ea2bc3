"""The photo made small, at a place that a hand chooses, and back."""

from __future__ import annotations

import re

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.support.pages import PIXELS, Visit, choose, overflows, serious, until

pytestmark = pytest.mark.xdist_group("browser: a photo")
ROW = '[data-row="l2pa"]'


def place(visit: Visit) -> dict[str, float]:
    """Where the photo of the page's analysis is."""
    analysis = visit.page.url.partition("?")[0].rpartition("/")[2]
    found = httpx.get(f"{visit.address}/api/v1/analyses/{analysis}").raise_for_status().json()
    return dict(found["request"].get("place", {}))


def settled(page: Page) -> None:
    """Wait until every map of the page's analysis is there."""
    expect(page.locator("[data-status]")).to_have_text(re.compile("models in|stored"))
    expect(page.locator(".cell.ready")).to_have_count(page.locator(".cell:not(.none)").count())


def make_small(visit: Visit, path: str) -> Page:
    """Press the button on the page of an analysis, and wait for the other one's maps."""
    page = visit.show(path)
    page.get_by_role("button", name="Make it small").click()
    page.wait_for_url(lambda url: path not in url)
    settled(page)
    return page


def test_small_moved_and_back(any_visit: Visit, photo: str) -> None:
    page = make_small(any_visit, f"{photo}?stage=medium")
    assert place(any_visit) == {"share": 0.35, "x": 0.8, "y": 0.2}
    assert page.url.endswith("?stage=medium"), "the view stays in the link"
    expect(page.locator(f"{ROW} [data-before]")).to_contain_text("before: golf ball")
    expect(page.locator("[data-shrink-found]")).to_contain_text("At the medium stage")
    first, small = page.url, page.locator("[data-lead-canvas]").evaluate(PIXELS)

    held = page.get_by_role("slider", name="The photo on its square")
    expect(held).to_be_focused()
    for _ in range(3):
        held.press("ArrowLeft")
    expect(held).to_have_attribute(
        "aria-valuetext", re.compile("^6[0-9] % of the way to the right")
    )
    assert page.locator("[data-lead-canvas]").evaluate(PIXELS) != small, "it follows the keys"
    page.wait_for_url(lambda url: url != first)
    settled(page)
    moved = place(any_visit)
    assert (moved["share"], moved["y"]) == (0.35, 0.2)
    assert moved["x"] == pytest.approx(0.8 - 3 * 0.04 / 0.65, abs=0.002)
    assert serious(page) == []
    assert overflows(page) <= 0

    page.reload()
    settled(page)
    expect(page.locator(f"{ROW} [data-before]")).to_contain_text("before: golf ball")
    small_url = page.url
    page.locator("[data-shrink-back]").click()
    page.wait_for_url(lambda url: url != small_url)
    assert page.url.endswith("?stage=medium")
    settled(page)
    expect(page.locator("[data-shrink]")).to_be_hidden()
    expect(page.locator(f"{ROW} [data-before]")).to_have_text("")
    shape = "canvas => canvas.width / canvas.height"
    until(lambda: page.locator("[data-lead-canvas]").evaluate(shape) == pytest.approx(4 / 3, 0.01))


def test_dragged_and_resized(visit: Visit, photo: str) -> None:
    page = make_small(visit, photo)
    first, box = page.url, page.locator("[data-held]").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 20, box["y"] + 20)
    page.mouse.down()
    page.mouse.move(box["x"] - 900, box["y"] + 900, steps=4)
    page.mouse.up()
    page.wait_for_url(lambda url: url != first)
    assert place(visit) == {"share": 0.35, "x": 0, "y": 1}, "no further than there is room"
    second = page.url
    choose(page, "50 %")
    page.wait_for_url(lambda url: url != second)
    settled(page)
    assert place(visit) == {"share": 0.5, "x": 0, "y": 1}
    figure = page.locator("[data-figure]").first.get_attribute("href") or ""
    assert page.url.rpartition("/")[2] in figure, "downloads are of what is on show"
