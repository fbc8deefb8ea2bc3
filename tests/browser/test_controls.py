"""The tool bar: three controls and a popover; nothing jumps, and nothing lies under what stays."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.test_analysis import cell
from tests.support.pages import EXAMPLES, PHONE, Visit, Windows, adjust, analysed, choose, until

pytestmark = pytest.mark.xdist_group("browser: a photo")
MAP = '.cell[data-model="plain"][data-stage="late"] .frame'
# What a click in the middle of each of these elements would hit: the element itself, or another.
HITS = """selectors => selectors.map(selector => {
    const box = document.querySelector(selector).getBoundingClientRect()
    const hit = document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2)
    return Boolean(hit?.closest(selector))
})"""
PLACES = """[...document.querySelectorAll(
    ".cell .frame, .who, .tools .tool, .adjust > summary, .keys, .stage-head, .photo, .ramp, .value"
)].map(one => {
    const { x, y, width, height } = one.getBoundingClientRect()
    return [one.className, x, y, width, height].join(" ")
})"""
HEAD = [
    "[data-big-title]",
    '[data-big] [data-step="-1"]',
    '[data-big] [data-step="1"]',
    "[data-close]",
]


def place(target: Locator) -> float:
    """How far below the window's upper edge it begins, in pixels."""
    box = target.bounding_box()
    assert box is not None
    return box["y"]


@pytest.mark.parametrize("width", [1024, 1440, 1920])
def test_the_head_of_the_enlarged_map_can_be_clicked(visit: Visit, photo: str, width: int) -> None:
    page = visit.page
    page.set_viewport_size({"width": width, "height": 900})
    visit.show(photo)
    target = cell(page, "cbam", "late")
    target.scroll_into_view_if_needed()
    page.evaluate("scrollBy(0, 200)")
    assert page.evaluate("scrollY") > 0
    until(lambda: page.evaluate("'folded' in document.documentElement.dataset"))
    before = place(target)
    target.click()
    expect(page.locator("[data-big]")).to_be_visible()
    until(lambda: page.evaluate(HITS, HEAD) == [True] * 4)
    page.locator("[data-close]").click()
    expect(page.locator("[data-big]")).to_be_hidden()
    expect(target).to_be_focused()
    until(lambda: abs(place(target) - before) < 1)
    # A cell that is reached by keyboard comes to lie below the tool bar and the table's head.
    for _ in range(6):
        page.keyboard.press("ArrowUp")
    assert page.evaluate(HITS, [".cell:focus .frame"]) == [True]


def test_nothing_jumps_when_a_switch_is_thrown(visit: Visit, photo: str) -> None:
    page = visit.show(photo)
    page.get_by_role("button", name="Fold").click()
    page.set_viewport_size({"width": 1440, "height": 1700})  # every row is in sight
    adjust(page)
    before = page.evaluate(PLACES)
    assert len(before) > 60
    throws: list[Callable[[], object]] = [
        lambda: page.get_by_label("Signed").check(),
        lambda: page.get_by_label("Colours").select_option("RdBu_r"),
        lambda: page.get_by_label("Signed").uncheck(),
        lambda: choose(page, "Grid"),
        lambda: page.get_by_label("Scale").select_option("absolute"),
        lambda: page.get_by_label("Hide below").fill("100"),
        lambda: choose(page, "\u2116"),
        lambda: page.get_by_label("True class").select_option("golf ball"),
    ]
    for throw in throws:
        adjust(page)
        throw()
        page.wait_for_timeout(60)
        assert page.evaluate(PLACES) == before


def test_the_signed_view_has_its_key_and_one_palette(visit: Visit, photo: str) -> None:
    page = visit.open(f"{photo}?signed=1")
    ends = page.locator("[data-legend] .ramp").nth(1).locator(".ramp-ends")
    expect(ends).to_have_text(re.compile("^against.*0.*for"))  # before any map has come
    visit.complete()
    expect(ends).to_have_text(re.compile(r"^against.*0for [\d.]+$"))
    colours = """canvas => {
        const { width, height } = canvas, pixels = canvas.getContext("2d")
        return [...new Uint32Array(pixels.getImageData(0, 0, width, height).data.buffer)]
    }"""
    ramp = page.locator("[data-legend] .ramp canvas")
    whole = set(ramp.nth(1).evaluate(colours))
    assert set(ramp.nth(0).evaluate(colours)) <= whole  # masks: the half that is for
    for method, stage in (("attention", "late"), ("gradcam", "late"), ("gradcam", "combined")):
        drawn = cell(page, "gated", stage, method).locator("canvas").evaluate(colours)
        assert set(drawn) <= whole


def chooser(page: Page) -> None:
    page.locator("[data-chooser] summary").click()


def rows(page: Page) -> list[str]:
    shown = page.locator("[data-row]:visible")
    return [str(row.get_attribute("data-row")) for row in shown.all()]


def test_rows_are_chosen_hidden_and_ordered(visit: Visit, server: str) -> None:
    six = ["plain", "l2pa", "gated", "gated-grid", "residual", "cbam"]
    photo = analysed(server, EXAMPLES / "golf-ball.jpg", models=six)
    page = visit.show(photo)
    visit.requests.clear()
    chooser(page)
    page.get_by_role("checkbox", name="Learn to Pay Attention").uncheck()
    page.get_by_role("button", name="Move CBAM up").click()
    page.get_by_role("button", name="Move CBAM up").click()
    wanted = ["plain", "gated", "cbam", "gated-grid", "residual"]
    assert rows(page) == wanted
    expect(page.locator("[data-chosen]")).to_have_text("5 of 6")
    expect(page.get_by_role("button", name="Move CBAM up")).to_be_focused()
    assert [one for one in visit.requests if "/api/" in one] == []
    until(lambda: "models=plain%2Cgated%2Ccbam" in page.evaluate("location.search"))
    page.keyboard.press("Escape")
    cell(page, "gated", "late").focus()
    page.keyboard.press("ArrowDown")
    expect(cell(page, "cbam", "late")).to_be_focused()
    visit.show(photo)  # without the address: remembered
    assert rows(page) == wanted
    posted: list[Any] = []
    page.on("request", lambda r: r.method == "POST" and posted.append(r.post_data_json))
    chooser(page)
    look = page.get_by_role("button", name="Look with these models")
    expect(look).to_be_disabled()
    page.get_by_role("button", name="Show all").click()
    assert len(rows(page)) == 6
    one = analysed(server, EXAMPLES / "golf-ball.jpg", models=["gated"])
    visit.show(one)
    chooser(page)
    page.get_by_role("checkbox", name="CBAM").check()
    page.get_by_role("button", name="Move CBAM up").click()
    with page.expect_navigation():
        look.click()
    visit.complete()
    assert posted[-1]["models"] == ["cbam", "gated"] == rows(page)


def test_a_picture_is_downloaded_as_it_is_shown(visit: Visit, photo: str) -> None:
    page = visit.show(
        f"{photo}?signed=1&smooth=0&opacity=100&cell=cbam.late.gradcam&models=cbam,gated&channel=l2"
    )
    address = page.locator("[data-big-png]").get_attribute("href")
    compare = """async ([address, picture]) => {
        const image = await createImageBitmap(await (await fetch(address)).blob())
        const canvas = new OffscreenCanvas(10, 7), context = canvas.getContext("2d")
        const read = (source) => {
            context.clearRect(0, 0, 10, 7)
            const [across, down] = [source.width / 10, source.height / 7]
            for (let x = 0; x < 10; x += 1) for (let y = 0; y < 7; y += 1)
                context.drawImage(source, (x + 0.5) * across, (y + 0.5) * down, 1, 1, x, y, 1, 1)
            return [...context.getImageData(0, 0, 10, 7).data]
        }
        const drawn = read(image), shown = read(document.querySelector(picture))
        const opaque = (index) => shown[index - index % 4 + 3] === 255  // elsewhere is the photo
        const far = drawn.map((value, index) => opaque(index) ? Math.abs(value - shown[index]) : 0)
        return drawn.filter((_, index) => opaque(index)).length < 40 ? Infinity : Math.max(...far)
    }"""
    assert page.evaluate(compare, [address, "[data-big-canvas]"]) <= 6
    figure = page.locator("[data-figure]").first.get_attribute("href") or ""
    for part in (
        "colormap=vik",
        "smooth=false",
        "alpha=1",
        "models=cbam%2Cgated",
        "show=both",
        "channel=l2",
    ):
        assert part in figure


@pytest.fixture
def phone(windows: Windows, server: str) -> Iterator[Visit]:
    yield from windows.visiting(server, PHONE, "light")


def test_on_a_phone_the_sheet_leaves_maps_in_sight(phone: Visit, photo: str) -> None:
    page = phone.show(photo)

    def top(selector: str) -> float:
        box = page.locator(selector).first.bounding_box()
        assert box
        return box["y"]

    page.locator(MAP).evaluate("one => scrollBy(0, one.getBoundingClientRect().y - 200)")
    adjust(page)
    until(lambda: top(".adjust .drop-list") > 380)
    until(lambda: page.evaluate(HITS, [MAP]) == [True])
    before = page.locator(f"{MAP} canvas").evaluate("canvas => canvas.toDataURL()")
    page.get_by_label("Colours").select_option(index=1)
    until(lambda: page.locator(f"{MAP} canvas").evaluate("canvas => canvas.toDataURL()") != before)
    page.get_by_label("Signed").check()
    assert (
        page.evaluate(HITS, ["#opacity", "#target", "#colours", "[data-chooser] summary"])
        == [True] * 4
    )
