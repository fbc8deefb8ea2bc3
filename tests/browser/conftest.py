"""A real server with its worker, and a real Chromium in front of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from tests.support.studies import study

__all__ = ["study"]
ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "static" / "examples"
ARGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
expect.set_options(timeout=30_000)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A second try, of which the summary tells, for what hangs on the machine's mood (ADR 25)."""
    for item in items:
        if item.path.parent == Path(__file__).parent:
            item.add_marker(pytest.mark.flaky(reruns=1))


@pytest.fixture(scope="session")
def browser(chromium: str) -> Iterator[Browser]:
    """One Chromium for all tests."""
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=chromium, args=ARGS)
        yield running
        running.close()


@dataclass
class Visit:
    """A visitor's page; `complaints` are console errors, exceptions and policy violations."""

    address: str
    context: BrowserContext
    page: Page
    complaints: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def watch(self) -> None:
        """Take note of all that goes wrong or over the wire."""
        page = self.page
        page.on("console", lambda m: m.type == "error" and self.complaints.append(m.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", lambda request: self.requests.append(request.url))

    def open(self, path: str = "/") -> Page:
        """Go to a page of the server."""
        self.page.goto(self.address + path)
        return self.page

    def upload(self, photo: Path = EXAMPLES / "golf-ball.jpg") -> Page:
        """Pick a photo on the home page and wait until every map is there."""
        self.open().locator("[data-pick]").first.set_input_files(photo)
        self.page.wait_for_url("**/analyses/*")
        return self.complete()

    def complete(self) -> Page:
        """Wait until every map on the page is there."""
        cells = self.page.locator(".cell:not(.none)")
        cells.first.wait_for(state="attached")
        expect(self.page.locator(".cell.ready")).to_have_count(cells.count(), timeout=60_000)
        return self.page


def _visit(browser: Browser, server: str, width: int, scheme: str) -> Iterator[Visit]:
    phone = width < 600
    context = browser.new_context(
        viewport={"width": width, "height": 844 if phone else 900},
        color_scheme=scheme,
        has_touch=phone,
        is_mobile=phone,
        device_scale_factor=2 if phone else 1,
    )
    visit = Visit(server, context, context.new_page())
    visit.watch()
    yield visit
    context.close()
    assert visit.complaints == []


@pytest.fixture
def visit(browser: Browser, server: str) -> Iterator[Visit]:
    """A visitor with a wide window; the test fails on any console error."""
    yield from _visit(browser, server, 1440, "light")


@pytest.fixture(params=[(1440, "light"), (1440, "dark"), (390, "light"), (390, "dark")], ids=str)
def any_visit(request: pytest.FixtureRequest, browser: Browser, server: str) -> Iterator[Visit]:
    """Visitors with a wide window and with a phone, by day and by night."""
    yield from _visit(browser, server, *request.param)


@pytest.fixture(params=[1440, 390])
def each_width(request: pytest.FixtureRequest, browser: Browser, server: str) -> Iterator[Visit]:
    """Visitors with a wide window and with a phone."""
    yield from _visit(browser, server, request.param, "light")
