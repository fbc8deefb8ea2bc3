"""Frames a second of a clip's page in Chromium, playing and scrubbing, with 12 maps in sight."""

from __future__ import annotations

import io
import tempfile
import time
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import httpx
import numpy as np
from av.video.stream import VideoStream
from PIL import Image
from playwright.sync_api import Page, sync_playwright

from bench.page import CHROMIUM
from bench.report import Row, Section
from bench.server import EXAMPLES, analyse, sightline

SIZE = (1280, 720)
SECONDS, RATE = 10, 30
CELLS = 12
MEASURED_MS = 5000
# Pictures that the browser shows while the page works, and how late the slowest ones come.
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
# Hides all cells but some, and brings these into sight.
KEEP = """(count) => {
  const cells = [...document.querySelectorAll('.cell:not(.none)')].filter((c) => c.offsetParent);
  cells.slice(count).forEach((cell) => { cell.style.display = 'none'; });
  cells[Math.min(count, cells.length) - 1].scrollIntoView({block: 'center'});
}"""


def section(rounds: int) -> Section:
    """Play and scrub one clip; `rounds` is not used, the time measured is fixed."""
    del rounds
    with tempfile.TemporaryDirectory(prefix="sightline-bench-") as folder:
        clip = Path(folder) / "clip.mp4"
        clip.write_bytes(_film())
        with (
            sightline(Path(folder) / "home") as served,
            httpx.Client(base_url=served.url, timeout=60) as client,
            sync_playwright() as playwright,
        ):
            link = analyse(client, clip)["links"]["page"]
            browser = playwright.chromium.launch(
                executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"]
            )
            page = browser.new_page(viewport={"width": 1440, "height": 900})
            page.goto(f"{served.url}{link}?show=cam")
            rows = [_row(page, "Playing", _play), _row(page, "Scrubbing", _scrub)]
            browser.close()
    remark = (
        f"A clip of {SIZE[0]} x {SIZE[1]}, {RATE} frames a second, four panes and {CELLS} maps of "
        "the table in sight, Chromium drawing without a GPU on the machine that serves it."
    )
    return Section("The page of a clip", tuple(rows), (remark,))


def _film() -> bytes:
    """A photo over which the view wanders, so that everything moves."""
    with Image.open(EXAMPLES / "golf-ball.jpg") as image:
        ground = np.asarray(image.convert("RGB").resize((SIZE[0] + 200, SIZE[1] + 100)))
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=RATE, options={"preset": "ultrafast"})
        assert isinstance(stream, VideoStream)
        stream.width, stream.height = SIZE
        stream.pix_fmt = "yuv420p"
        for n in range(SECONDS * RATE):
            x, y = n % 200, n % 100
            frame = av.VideoFrame.from_ndarray(
                np.ascontiguousarray(ground[y : y + SIZE[1], x : x + SIZE[0]]), "rgb24"
            )
            frame.pts, frame.time_base = n, Fraction(1, RATE)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return file.getvalue()


def _row(page: Page, name: str, start: Any) -> Row:
    page.locator(".cell.ready").first.wait_for(state="attached", timeout=60_000)
    page.locator("video:not([hidden])").wait_for()
    page.evaluate(KEEP, CELLS)
    time.sleep(2)  # decoding the first frames, drawing the first cells
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    start(page)
    found = page.evaluate(COUNT)
    asked = [address for address in asked if address.startswith("http")]
    return Row(
        f"{name}: pictures a second, {CELLS} maps open",
        "60 Hz, the browser's own",
        f"{found['rate']:.0f} (95 % of gaps under {found['late']:.0f} ms), {len(asked)} requests",
        "60, no request",
        found["rate"] >= 58 and not asked,
    )


def _play(page: Page) -> None:
    page.evaluate("document.querySelector('[data-play]').click()")


def _scrub(page: Page) -> None:
    """Another place of the ruler with every picture, as a quick hand would."""
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
