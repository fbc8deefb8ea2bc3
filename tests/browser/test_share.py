"""Copying a link to the view of an analysis."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.support.pages import WIDE, Visit, Windows, adjust, serious
from tests.support.web import shared_server


@pytest.fixture
def analysis() -> Any:
    api = shared_server()
    api.reset()
    made = api.analyse(api.upload()["id"])
    api.finish(made["id"])
    return made


@pytest.fixture
def visit(windows: Windows, analysis: Any) -> Iterator[Visit]:
    yield from windows.visiting(shared_server().url, WIDE, "light")


def copy(page: Page) -> str:
    """Change the view, press the button, and return the link that should come."""
    adjust(page)
    page.get_by_label("Opacity").fill("80")
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Copy link").click()
    assert page.url.endswith("?opacity=80")
    return page.url


def test_the_link_is_on_the_clipboard(visit: Visit, analysis: Any) -> None:
    visit.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page = visit.show(analysis["links"]["page"])
    link = copy(page)
    expect(page.locator("[data-share-said]")).to_have_text("Link copied")
    expect(page.get_by_role("button", name="Link copied")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == link
    visit.context.clear_permissions()


def test_without_a_clipboard_there_is_a_field(visit: Visit, analysis: Any) -> None:
    """Browsers have none for pages that come without https from another machine."""
    visit.page.add_init_script("Object.defineProperty(navigator, 'clipboard', {value: undefined})")
    page = visit.show(analysis["links"]["page"])
    link = copy(page)
    field = page.get_by_label("Link to this view")
    expect(field).to_have_value(link)
    expect(field).to_be_focused()
    assert page.evaluate("getSelection().toString()") == link
    assert serious(page) == []
    page.keyboard.press("Control+c")
    expect(page.get_by_role("button", name="Link copied")).to_be_visible()
    page.keyboard.press("Escape")
    expect(field).to_be_hidden()
