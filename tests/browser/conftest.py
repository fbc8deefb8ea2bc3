"""A real server with its worker, and a real Chromium in front of it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from tests.support.pages import EXAMPLES, PHONE, WIDE, WINDOWS, Visit, Windows, analysed
from tests.support.studies import study

__all__ = ["study"]
# Chromium's own pages for its address bar, which no test sees, cost more than most pages of ours.
# Of two such switches the last one counts, so Playwright's names that matter are repeated.
WITHOUT = (
    "WebUIOmniboxPopup",
    "WebUIOmniboxAimPopup",
    "WebUIOmniboxFullPopup",
    "AvoidUnnecessaryBeforeUnloadCheckSync",
    "DestroyProfileOnBrowserClose",
    "HttpsUpgrades",
    "MediaRouter",
    "NetworkTimeServiceQuerying",
    "OptimizationHints",
    "PaintHolding",
    "PreconnectToSearch",
    "ThirdPartyStoragePartitioning",
)
ARGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    f"--disable-features={','.join(WITHOUT)}",
]
expect.set_options(timeout=30_000)


@pytest.fixture(scope="session")
def browser(chromium: str) -> Iterator[Browser]:
    """One Chromium for all tests."""
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=chromium, args=ARGS)
        yield running
        running.close()


@pytest.fixture(scope="session")
def windows(browser: Browser) -> Windows:
    """Its windows, which tests share."""
    return Windows(browser)


@pytest.fixture(scope="session")
def photo(server: str) -> str:
    """Path of a page: the golf ball, explained by every model of photos."""
    return analysed(server, EXAMPLES / "golf-ball.jpg")


@pytest.fixture
def visit(windows: Windows, server: str) -> Iterator[Visit]:
    """A visitor with a wide window; the test fails on any console error."""
    yield from windows.visiting(server, WIDE, "light")


@pytest.fixture(params=WINDOWS, ids=str)
def any_visit(request: pytest.FixtureRequest, windows: Windows, server: str) -> Iterator[Visit]:
    """Visitors with a wide window by day and with a phone by night."""
    yield from windows.visiting(server, *request.param)


@pytest.fixture(params=[WIDE, PHONE])
def each_width(request: pytest.FixtureRequest, windows: Windows, server: str) -> Iterator[Visit]:
    """Visitors with a wide window and with a phone."""
    yield from windows.visiting(server, request.param, "light")
