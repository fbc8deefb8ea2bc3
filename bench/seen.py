"""Ten pages at four widths in Chromium: axe's findings, largest paint, shifts, script."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

import httpx
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext

from app.accounts import sessions
from app.core.settings import Settings
from app.db.engine import make_engine, make_sessions
from app.web.http.identity import SESSION_COOKIE
from bench.page import TIMEOUT_MS, chromium
from bench.report import Row, Section
from bench.server import EXAMPLES, analyse, sightline

WINDOWS = ((390, "dark"), (1024, "light"), (1440, "light"), (1920, "dark"))
PAINT_S, SHIFT, SCRIPT_KB = 1.0, 0.05, 300.0
SETTLED_MS = 500  # after the network has been quiet: fonts, maps, late shifts
OBSERVE = """window.seen = { paint: 0, shift: 0 };
new PerformanceObserver((list) => {
  for (const { startTime } of list.getEntries()) seen.paint = startTime;
}).observe({ type: "largest-contentful-paint", buffered: true });
new PerformanceObserver((list) => {
  for (const one of list.getEntries()) if (!one.hadRecentInput) seen.shift += one.value;
}).observe({ type: "layout-shift", buffered: true });"""
READ = r"""() => [seen.paint / 1000, seen.shift,
  performance.getEntriesByType("resource").filter(({ name }) => /\.js(\?|$)/.test(name))
    .reduce((total, { transferSize }) => total + transferSize / 1000, 0)]"""


@dataclass(frozen=True)
class Seen:
    """What one visit found: seconds to the largest paint, kB of script as transferred."""

    width: int
    findings: int
    paint: float
    shift: float
    script: float


def section(rounds: int) -> Section:
    """Visit every page with an empty cache; `rounds` is not used."""
    del rounds
    with (
        tempfile.TemporaryDirectory(prefix="sightline-bench-") as folder,
        sightline(Path(folder)) as served,
        httpx.Client(base_url=served.url, timeout=60) as client,
        chromium() as browser,
    ):
        pages = {
            "Home": "/",
            "A photo": analyse(client, EXAMPLES / "church.jpg")["links"]["page"],
            "A clip": analyse(client, EXAMPLES / "camera.mp4")["links"]["page"],
            "Yours": "/yours",
            "Models": "/models",
            "A model": "/models/cbam",
            "API": "/api",
            "Account": "/account",
            "Training": "/training",
            "Datasets": "/datasets",
        }
        cookies = dict(client.cookies) | {SESSION_COOKIE: _admin(Path(folder))}
        rows = []
        for name, path in pages.items():
            visits = [
                _visit(_window(browser, width, scheme, served.url, cookies), served.url + path)
                for width, scheme in WINDOWS
            ]
            rows.append(_row(name, visits))
    remark = (
        "The worst of 390 (dark), 1024, 1440 and 1920 px (dark), each with an empty cache, signed "
        "in, in a Chromium without a GPU on the machine that serves it: findings of axe of any "
        "impact, seconds to the largest contentful paint, the sum of layout shifts, kB of script "
        "as transferred."
    )
    return Section("Pages as they are seen", tuple(rows), (remark,))


def _admin(home: Path) -> str:
    """Return the cookie's value of a session of the admin of the server in `home`."""
    engine = make_engine(Settings(home=home))
    with make_sessions(engine).begin() as session:
        admin = sessions.ensure_admin(session)
        secret = sessions.start(session, admin, sessions.Browser("127.0.0.1", "bench"), 1)
    engine.dispose()
    return secret


def _window(
    browser: Browser, width: int, scheme: str, url: str, cookies: dict[str, str]
) -> BrowserContext:
    context = browser.new_context(
        viewport={"width": width, "height": 844 if width < 600 else 900},
        color_scheme=scheme,  # type: ignore[arg-type]
        is_mobile=width < 600,
        has_touch=width < 600,
    )
    context.set_default_timeout(TIMEOUT_MS)
    context.add_init_script(OBSERVE)
    context.add_cookies([{"name": n, "value": value, "url": url} for n, value in cookies.items()])
    return context


def _visit(context: BrowserContext, address: str) -> Seen:
    page = context.new_page()
    page.goto(address, wait_until="networkidle")
    page.wait_for_timeout(SETTLED_MS)
    paint, shift, script = page.evaluate(READ)
    findings = Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]
    width = page.viewport_size["width"] if page.viewport_size else 0
    context.close()
    return Seen(width, len(findings), paint, shift, script)


def _row(name: str, visits: list[Seen]) -> Row:
    findings = max(visit.findings for visit in visits)
    slowest = max(visits, key=lambda visit: visit.paint)
    shift = max(visit.shift for visit in visits)
    script = max(visit.script for visit in visits)
    return Row(
        name,
        "-",
        f"{findings} findings; {slowest.paint:.2f} s (at {slowest.width} px); "
        f"{shift:.3f}; {script:.0f} kB",
        f"0; under {PAINT_S:.0f} s; under {SHIFT}; under {SCRIPT_KB:.0f} kB",
        findings == 0 and slowest.paint < PAINT_S and shift < SHIFT and script < SCRIPT_KB,
    )
