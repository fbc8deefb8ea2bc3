"""A visitor's page in a real Chromium, and helpers for tests of pages."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, expect

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "static" / "examples"
PIXELS = "canvas => canvas.toDataURL()"
SERIOUS = {"serious", "critical"}
WIDE, PHONE = 1440, 390  # px
# Overflow depends on the width, contrast on the colour scheme: two windows cover both.
WINDOWS = [(WIDE, "light"), (PHONE, "dark")]


@dataclass
class Visit:
    """A visitor's page; `complaints` are console errors, exceptions and policy violations."""

    address: str
    context: BrowserContext
    page: Page
    complaints: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def watch(self) -> None:
        """Record console messages, errors and requests."""
        page = self.page
        page.on("console", lambda m: m.type == "error" and self.complaints.append(m.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", lambda request: self.requests.append(request.url))

    def open(self, path: str = "/") -> Page:
        """Go to a page of the server."""
        self.page.goto(self.address + path)
        return self.page

    def show(self, path: str) -> Page:
        """Go to the page of a finished analysis and wait until every map is there."""
        self.open(path)
        return self.complete()

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


class Windows:
    """Chromium's windows, one per width and scheme, each with a new visitor for every test.

    They keep the scripts that they have compiled, which is most of what opening a page takes.
    """

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        self._open: dict[tuple[int, str], BrowserContext] = {}

    def visiting(self, server: str, width: int, scheme: str) -> Iterator[Visit]:
        """A new visitor with a window of this width; any console error fails the test."""
        if (width, scheme) not in self._open:
            self._open[width, scheme] = self._new(width, scheme)
        context = self._open[width, scheme]
        context.clear_cookies()
        visit = Visit(server, context, context.new_page())
        kept = {"origin": server, "storageTypes": "local_storage,session_storage,indexeddb"}
        context.new_cdp_session(visit.page).send("Storage.clearDataForOrigin", kept)
        visit.watch()
        yield visit
        for page in context.pages:
            page.close()
        assert visit.complaints == []

    def _new(self, width: int, scheme: str) -> BrowserContext:
        phone = width < 600
        return self._browser.new_context(
            viewport={"width": width, "height": 844 if phone else 900},
            color_scheme=scheme,  # type: ignore[arg-type]
            has_touch=phone,
            is_mobile=phone,
            device_scale_factor=2 if phone else 1,
        )


def until(true: Callable[[], Any], seconds: float = 60) -> Any:
    """Wait until a function returns something true, and return that."""
    deadline = time.monotonic() + seconds
    while not (found := true()):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return found


def analysed(server: str, file: Path, **asked: Any) -> str:
    """Analyse a photo or clip over REST; return the path of the finished page."""
    with httpx.Client(base_url=server, timeout=60) as api:

        def post(path: str, **body: Any) -> Any:
            return api.post(f"/api/v1/{path}", **body).raise_for_status().json()

        until(lambda: api.get("/api/v1/models").json()["items"])
        media = post("media", files={"file": (file.name, file.read_bytes())})
        made = post("analyses", json={"media_id": media["id"], **asked})

        def done() -> bool:
            state = api.get(made["links"]["self"]).raise_for_status().json()["state"]
            assert state not in {"failed", "cancelled"}
            return bool(state == "succeeded")

        until(done, 240)
        if media["kind"] == "clip":  # visitors of the page get a copy, which is made once
            with httpx.Client(base_url=server, timeout=60) as other:
                until(lambda: other.get(media["links"]["playable"]).is_success, 240)
        return str(made["links"]["page"])


def serious(page: Page) -> list[str]:
    """Axe's serious and critical findings, each with its first element."""
    found = Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]
    return [
        f"{one['id']}: {one['nodes'][0]['html'][:200]} {one['nodes'][0]['failureSummary'][:200]}"
        for one in found
        if one["impact"] in SERIOUS
    ]


def agree(page: Page, deed: str) -> None:
    """Say yes to the question before something that cannot be taken back."""
    page.get_by_role("dialog").get_by_role("button", name=deed, exact=True).click()


def overflows(page: Page) -> int:
    """By how many pixels the page is wider than its window."""
    root = "document.documentElement"
    return int(page.evaluate(f"{root}.scrollWidth - {root}.clientWidth"))


def choose(page: Page, name: str) -> None:
    """Select the radio button of this name."""
    page.get_by_role("radio", name=name, exact=True).check()


def adjust(page: Page) -> None:
    """Open the popover of the controls that are not in sight."""
    if not page.locator("[data-adjust][open]").count():
        page.get_by_text("Adjust", exact=True).click()
