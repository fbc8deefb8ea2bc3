"""The page of a clip in a browser: its clock, its panes, its keys."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import numpy as np
from playwright.sync_api import Page, expect

from tests.support.clip_files import number
from tests.support.clip_models import film
from tests.support.pages import PIXELS, Visit, until

SECONDS = 3.0  # of the clip that is uploaded


def written(folder: Path, seed: int) -> Path:
    """A small clip to upload."""
    path = folder / "box.mp4"
    path.write_bytes(film(seed, SECONDS, (192, 144)))
    return path


def shown_time(page: Page) -> float:
    """Seconds on the page's clock."""
    return float(page.locator("[data-clock]").inner_text().split(" ")[0])


def at(page: Page, seconds: float) -> None:
    """Wait until the page's clock shows this time."""
    until(lambda: abs(shown_time(page) - seconds) < 0.015)


def pane(page: Page, name: str) -> str:
    """The picture in a pane of the player, as a data URL."""
    return str(page.locator(f'[data-pane="{name}"] canvas').first.evaluate(PIXELS))


def analysis(visit: Visit) -> dict[str, Any]:
    """The JSON of the analysis on the page."""
    identifier = visit.page.url.split("/analyses/")[1][:32]
    return dict(httpx.get(f"{visit.address}/api/v1/analyses/{identifier}").json())


def asked(visit: Visit) -> list[str]:
    """The page's requests, without the icon, which the browser fetches by itself."""
    return [one for one in visit.requests if one.startswith("http") and "icon" not in one]


def ready(visit: Visit, path: str) -> Page:
    """Open an analysis and wait until every map is there and the clip can play."""
    page = visit.show(path)
    expect(page.locator("video")).to_be_visible()
    expect(page.locator("[data-waiting]")).to_be_hidden()
    return page


STILL = """async () => {
    const video = document.querySelector("video")
    let [last, frames] = [-1, 0]
    while (frames < 20) {
        await new Promise(requestAnimationFrame)
        frames = !video.seeking && video.currentTime === last ? frames + 1 : 0
        last = video.currentTime
    } }"""


def at_rest(page: Page) -> None:
    """Wait until the clip stands still for some frames."""
    page.evaluate(STILL)


def scrub(page: Page, fraction: float) -> None:
    """Move the pointer to this share of the timeline."""
    box = page.locator(".lane.ruler").bounding_box()
    assert box
    page.mouse.move(box["x"] + fraction * box["width"], box["y"] + box["height"] / 2)


def at_once(page: Page, *keys: str) -> None:
    """Press keys faster than the clip can follow."""
    page.evaluate(
        """keys => { for (const key of keys)
             document.body.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true })) }""",
        keys,
    )


CELLS = """() => {
    const video = document.querySelector("video")
    const canvas = new OffscreenCanvas(video.videoWidth, video.videoHeight)
    canvas.getContext("2d").drawImage(video, 0, 0)
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height)
    const at = (row, column) => {
        const [y, x] = [(row + 0.5) * canvas.height / 3, (column + 0.5) * canvas.width / 4]
        const start = 4 * (Math.floor(y) * canvas.width + Math.floor(x))
        return [...data.slice(start, start + 3)]
    }
    return [0, 1, 2].map((row) => [0, 1, 2, 3].map((column) => at(row, column))) }"""


def frame_shown(page: Page) -> int:
    """The number of the frame that the video shows, of a clip that numbers them."""
    return number(np.array(page.evaluate(CELLS), np.uint8))
