"""The same without a mouse."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.support.pages import Visit, until

pytestmark = pytest.mark.xdist_group("browser: a photo")
FOCUSED = "const d = document.activeElement.dataset; `${d.model}.${d.stage}.${d.method}`"


def focused(page: Page) -> str:
    return str(page.evaluate(FOCUSED))


def tab_to_the_table(page: Page) -> None:
    page.locator("body").press("Tab")
    for _ in range(30):
        if page.evaluate("document.activeElement.getAttribute('role')") == "gridcell":
            return
        page.keyboard.press("Tab")
    raise AssertionError("Tab does not reach the table")


def test_whole_job_by_keyboard(visit: Visit, photo: str) -> None:
    page = visit.show(photo)
    tab_to_the_table(page)
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowRight")
    until(lambda: focused(page) == "l2pa.early.gradcam")
    page.keyboard.press("ArrowRight")
    until(lambda: focused(page) == "l2pa.medium.attention")
    expect(page.locator("[data-readout]")).to_contain_text("medium, learnt mask")
    before = page.locator("[data-readout]").inner_text()
    page.keyboard.press("Shift+ArrowLeft")
    page.keyboard.press("Shift+ArrowUp")
    expect(page.locator("[data-readout]")).not_to_have_text(before, use_inner_text=True)
    until(lambda: focused(page) == "l2pa.medium.attention")
    page.keyboard.press("Enter")
    expect(page.locator("[data-big-title]")).to_contain_text("medium, learnt mask")
    page.keyboard.press("ArrowRight")
    expect(page.locator("[data-big-title]")).to_contain_text("medium, Grad-CAM")
    page.keyboard.press("ArrowDown")
    expect(page.locator("[data-big-title]")).to_contain_text("Attention gates")
    page.keyboard.press("Escape")
    expect(page.locator("[data-big]")).to_be_hidden()
    until(lambda: focused(page) == "gated.medium.gradcam")


def test_one_tab_stop_for_the_whole_table(visit: Visit, photo: str) -> None:
    page = visit.show(photo)
    expect(page.locator('.cell[tabindex="0"]')).to_have_count(1)
    tab_to_the_table(page)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.getAttribute('role')") != "gridcell"


def test_shortcuts(visit: Visit, photo: str) -> None:
    page = visit.show(photo)
    page.locator("h1").click()
    page.keyboard.press("m")
    expect(page.locator('[data-show="mask"]')).to_be_visible()
    page.keyboard.press("]")
    expect(page.get_by_label("Opacity")).to_have_value("70")
    page.keyboard.press("n")
    expect(page.get_by_label("Signed")).to_be_checked()
    page.keyboard.press("s")
    expect(page.get_by_label("Scale")).to_have_value("row")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keyboard")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()
    page.keyboard.press("t")
    expect(page.get_by_label("Grad-CAM explains")).to_be_focused()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Escape")
    expect(page.get_by_role("listbox")).to_be_hidden()


def test_cells_speak(visit: Visit, photo: str) -> None:
    page = visit.show(photo)
    for label in page.locator(".cell.ready").evaluate_all("all => all.map(c => c.ariaLabel)"):
        spoken = "highest at" in label and "range" in label
        assert spoken or "evidence" in label or "Flat" in label
