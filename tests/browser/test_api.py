"""The API explorer sends requests, as this visitor or with a token, and shows the answers."""

from __future__ import annotations

import json
import re

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.support.pages import EXAMPLES, Visit, overflows, serious

pytestmark = pytest.mark.xdist_group("browser: a photo")


def operation(page: Page, method: str, path: str) -> Locator:
    """Unfold an operation with the keyboard."""
    block = page.locator(f".opblock-{method}", has=page.locator(f'[data-path="{path}"]'))
    block.locator(".opblock-summary-control").press("Enter")
    return block


def execute(block: Locator) -> str:
    """Send the request; return the answer's text."""
    block.get_by_role("button", name="Execute").press("Enter")
    answer = block.locator(".live-responses-table")
    answer.wait_for()
    return answer.inner_text()


def test_from_an_upload_to_an_analysis(any_visit: Visit) -> None:
    page = any_visit.open("/api")
    upload = operation(page, "post", "/api/v1/media")
    upload.get_by_label("File").set_input_files(EXAMPLES / "golf-ball.jpg")
    media_id = re.search(r'"id": "(\w{32})"', execute(upload))
    assert media_id is not None
    create = operation(page, "post", "/api/v1/analyses")
    body = json.dumps({"media_id": media_id[1], "models": ["gated"]})
    create.get_by_label("Request body").fill(body)
    assert media_id[1] in execute(create)
    assert media_id[1] in execute(operation(page, "get", "/api/v1/media"))
    assert serious(page) == []
    assert overflows(page) == 0
    assert all(url.startswith((any_visit.address, "blob:", "data:")) for url in any_visit.requests)


def test_with_a_token(visit: Visit) -> None:
    page = visit.open("/api")
    page.get_by_role("button", name="Authorize").click()
    form = page.locator(".auth-container").filter(has_text="Bearer")
    form.get_by_role("textbox").fill("sl_unknown")
    form.get_by_role("button", name="Apply credentials").click()
    page.get_by_role("button", name="Close").first.click()
    block = operation(page, "get", "/api/v1/account")
    with page.expect_request("**/api/v1/account") as sent:
        assert execute(block).split()[2] == "401"
    assert sent.value.headers["authorization"] == "Bearer sl_unknown"
    visit.complaints.clear()  # the browser notes the 401 itself


def test_the_theme_is_the_page_s(visit: Visit) -> None:
    page = visit.open("/api")
    page.locator(".opblock").first.wait_for()
    expect(page.locator("html")).not_to_have_class(re.compile("dark-mode"))
    for _ in range(2):  # automatic, light, dark
        page.locator("[data-theme-button]").click()
    expect(page.locator("html")).to_have_class(re.compile("dark-mode"))
