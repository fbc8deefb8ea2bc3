"""Frames per second of a clip's page in Chromium, playing and scrubbing, with 12 maps in view."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import httpx
from playwright.sync_api import Page

from bench import films
from bench.page import chromium
from bench.report import Row, Section
from bench.server import analyse, sightline

SIZE, SECONDS = (1280, 720), 10
CELLS = 12
MEASURED_MS = 5000
# The browser's frame rate while the page works, and the 95th percentile of the time between frames.
COUNT = f"""() => new Promise((resolve) => {{
  const gaps = []; let last = 0; const began = performance.now();
  const next = (now) => {{
    if (last) gaps.push(now - last);
    last = now;
    if (now - began < {MEASURED_MS}) return requestAnimationFrame(next);
    gaps.sort((a, b) => a - b);
    resolve({{rate: 1000 * gaps.length / gaps.reduce((a, b) => a + b),
      late: gaps[Math.floor(0.95 * gaps.length)]}});
  }};
  requestAnimationFrame(next);
}})"""
# Hides all cells but the first `count`, and scrolls these into view.
KEEP = """(count) => {
  const cells = [...document.querySelectorAll('.cell:not(.none)')].filter((c) => c.offsetParent);
  cells.slice(count).forEach((cell) => { cell.style.display = 'none'; });
  cells[Math.min(count, cells.length) - 1].scrollIntoView({block: 'center'});
}"""


def section(rounds: int) -> Section:
    """Play and scrub a clip for a fixed time; `rounds` is not used."""
    del rounds
    with tempfile.TemporaryDirectory(prefix="sightline-bench-") as folder:
        clip = films.write(Path(folder) / "clip.mp4", SIZE, SECONDS)
        with (
            sightline(Path(folder) / "home") as served,
            httpx.Client(base_url=served.url, timeout=60) as client,
            chromium() as browser,
        ):
            link = analyse(client, clip)["links"]["page"]
            page = browser.new_page(viewport={"width": 1440, "height": 900})
            page.goto(f"{served.url}{link}?show=cam")
            rows = [_row(page, "Playing", _play), _row(page, "Scrubbing", _scrub)]
    remark = (
        f"A clip of {SIZE[0]} x {SIZE[1]}, {films.RATE} frames a second, four panes and {CELLS} "
        "maps of the table in view, Chromium drawing without a GPU on the machine that serves it."
    )
    return Section("The page of a clip", tuple(rows), (remark,))


def _row(page: Page, name: str, start: Callable[[Page], None]) -> Row:
    page.locator(".cell.ready").first.wait_for(state="attached", timeout=60_000)
    page.locator("video:not([hidden])").wait_for()
    page.evaluate(KEEP, CELLS)
    time.sleep(2)  # decoding the first frames, drawing the first cells
    urls: list[str] = []
    page.on("request", lambda request: urls.append(request.url))
    start(page)
    frames = page.evaluate(COUNT)
    urls = [url for url in urls if url.startswith("http")]
    return Row(
        f"{name}: frames per second, {CELLS} maps open",
        "the browser's 60 Hz",
        f"{frames['rate']:.0f} (95 % of gaps under {frames['late']:.0f} ms), {len(urls)} requests",
        "60, no request",
        frames["rate"] >= 58 and not urls,
    )


def _play(page: Page) -> None:
    page.evaluate("document.querySelector('[data-play]').click()")


def _scrub(page: Page) -> None:
    """Move the cursor along the ruler with every animation frame."""
    page.evaluate(
        """() => {
          const plot = document.querySelector('[data-plot]');
          document.querySelector('[data-play].playing')?.click();
          plot.setPointerCapture = () => {};
          const box = () => document.querySelector('.lane.ruler').getBoundingClientRect();
          const send = (type, part) => { const b = box(); plot.dispatchEvent(new PointerEvent(type,
            {button: 0, pointerId: 1, clientX: b.left + part * b.width, clientY: b.top + 4})); };
          send('pointerdown', 0);
          let n = 0;
          const next = () => {
            n += 1;
            send('pointermove', 0.5 + 0.45 * Math.sin(n / 40));
            if (n < 600) requestAnimationFrame(next); else send('pointerup', 0.5);
          };
          next();
        }"""
    )
