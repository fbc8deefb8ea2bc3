"""Every page, wide by day and on a phone by night: axe, overflow, console."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.support.pages import Visit, overflows, serious

pytestmark = pytest.mark.xdist_group("browser: a photo")


@pytest.mark.parametrize("path", ["/", "/models", "/models/cbam", "/api"])
def test_pages(any_visit: Visit, path: str) -> None:
    page = any_visit.open(path)
    if path.startswith("/models"):
        page.locator(".chart canvas").first.wait_for()
    assert serious(page) == []
    assert overflows(page) == 0


def test_analysis(any_visit: Visit, photo: str) -> None:
    page = any_visit.show(photo)
    assert serious(page) == []
    assert overflows(page) == 0
    page.locator('.cell[data-model="gated"][data-stage="late"]').first.click()
    expect(page.locator("[data-big]")).to_be_visible()
    assert serious(page) == []
    assert overflows(page) == 0


def test_open_lists(visit: Visit, photo: str) -> None:
    page = visit.show(photo)
    page.get_by_label("Grad-CAM explains").click()
    expect(page.get_by_role("listbox")).to_be_visible()
    assert serious(page) == []
    page.keyboard.press("Escape")
    for name in ("menu", "adjust", "chooser"):
        page.locator(f"[data-{name}] > summary").click()
        expect(page.locator("details[data-drop][open]")).to_have_count(1)
        assert serious(page) == []
    page.keyboard.press("Escape")
    expect(page.locator("details[data-drop][open]")).to_have_count(0)
    page.get_by_role("button", name="Keyboard shortcuts").click()
    assert serious(page) == []


def test_missing_page(visit: Visit) -> None:
    page = visit.open("/models")
    page.evaluate("location.assign('/analyses/00000000000000000000000000000000')")
    expect(page.get_by_role("heading", name="Nothing at this address")).to_be_visible()
    expect(page.get_by_text("It may have been deleted.")).to_be_visible()
    for name, path in (("Start with a photo", "/"), ("Your analyses", "/yours")):
        expect(page.get_by_role("link", name=name)).to_have_attribute("href", path)
    assert serious(page) == []
    page.get_by_role("button", name="Back").click()
    page.wait_for_url("**/models")
    visit.complaints.clear()  # the browser notes the 404 itself


def test_a_chosen_theme_stays(visit: Visit) -> None:
    page = visit.open()
    for _ in range(2):  # automatic, light, dark
        page.locator("[data-theme-button]").click()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    visit.open("/models")
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
