"""Nothing is cut off, at any width: a number without its end is another number."""

from __future__ import annotations

import re
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page

from tests.support.cut import cut
from tests.support.pages import EXAMPLES, Visit, analysed, until

pytestmark = pytest.mark.xdist_group("browser: a photo")
WIDTHS = (390, 768, 1024, 1280, 1440)  # px
SUPERSCRIPT = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻\u2212", "0123456789--")
CAPTIONS = """() => [...document.querySelectorAll(".cell.ready")]
    .filter((cell) => cell.querySelector("[data-value]")?.checkVisibility())
    .map((cell) => [
      Object.values({ ...cell.dataset }).join(), cell.querySelector("[data-value]").textContent])"""
# Every number at every width: the caption's box, what it wrote, and whether that fits.
WRITTEN = """async ([address, pairs]) => {
  const { Caption, maxTexts, rangeTexts } = await import(address)
  const box = document.querySelector(".cell:not(.none) .value").cloneNode(true)
  document.querySelector(".cell:not(.none) .frame").parentElement.append(box)
  const caption = new Caption(box)
  const found = []
  for (let width = 20; width < 190; width += 7) {
    box.style.width = `${width}px`
    caption.measure()
    for (const [low, high] of pairs)
      for (const texts of [rangeTexts(low, high), maxTexts(high)]) {
        caption.write(...texts)
        found.push([width, low, high, caption.place.textContent, box.scrollWidth - box.clientWidth])
      }
  }
  return found
}"""


@pytest.fixture(scope="module")
def clip(server: str) -> str:
    """Path of a page: a clip, by a model with masks and one with long names of classes."""
    return analysed(server, EXAMPLES / "camera.mp4", models=["fight-gated", "camera-motion"])


def resized(page: Page, width: int) -> None:
    """Give the window a width, and wait until the captions have been written for it."""
    page.set_viewport_size({"width": width, "height": 900})
    page.evaluate("new Promise((done) => setTimeout(done, 0))")
    known: list[Any] = []

    def same() -> bool:
        before, known[:] = list(known), page.evaluate(CAPTIONS)
        page.evaluate("new Promise((done) => requestAnimationFrame(() => setTimeout(done, 150)))")
        return bool(known) and known == before and all(text for _, text in known)

    until(same)


def numbers(text: str) -> list[float]:
    """The numbers in a caption, of which a common exponent holds for all."""
    text = text.replace("\u202f", "").translate(SUPERSCRIPT)
    inner = re.fullmatch(r"\((.+)\)×10(-?\d+)", text)
    power = f"e{inner[2]}" if inner else ""
    text = re.sub(r"×10(-?\d+)", r"e\1", inner[1] if inner else text)
    return [float(part + power) for part in text.removeprefix("max ").split("–")]


def ranges(visit: Visit, path: str, kind: str) -> dict[str, tuple[float, float]]:
    """The least and largest number of each map, by the words of its cell."""
    address = f"{visit.address}/api/v1{path}/{kind}"
    keys = ("model", *(["stream"] if kind == "tracks" else []), "stage", "method")
    items = httpx.get(address, params={"limit": 100}).json()["items"]
    return {",".join(one[key] for key in keys): (one["min"], one["max"]) for one in items}


def test_nothing_is_cut_on_the_page_of_a_photo(visit: Visit, photo: str) -> None:
    page = visit.show(photo)
    known = ranges(visit, photo, "heatmaps")
    for width in WIDTHS:
        resized(page, width)
        assert cut(page) == [], width
        for cell, text in page.evaluate(CAPTIONS):
            read = numbers(text)
            expected = known[cell] if len(read) > 1 else known[cell][1:]
            assert read == pytest.approx(expected, rel=6e-2 if "×" in text else 6e-3), (cell, text)
    page.locator(".cell.mask .frame").nth(5).hover()
    assert cut(page) == []
    choose_masks = "document.querySelector('[name=show][value=mask]').click()"
    page.evaluate(choose_masks)
    resized(page, 1280)
    assert cut(page) == []


def test_nothing_is_cut_on_the_page_of_a_clip(visit: Visit, clip: str) -> None:
    page = visit.show(clip)
    chip = page.locator('[data-chip="camera-motion"]')
    title = str(chip.get_attribute("title"))
    assert title.startswith("Camera motion: ")
    for part in chip.locator("[data-part]").all()[:2]:
        assert part.inner_text() in title
        assert part.inner_text().replace("\u202f", " ") in chip.aria_snapshot()
    for width in WIDTHS:
        resized(page, width)
        assert cut(page) == [], width
        assert page.locator(".cell:not(.none) [data-value]").count() == 24
        page.locator(".cell.cam .frame").nth(5).hover()
        assert cut(page) == [], width


def test_a_caption_is_shortened_until_it_fits(visit: Visit, photo: str) -> None:
    page = visit.show(photo)
    script = page.locator('script[src*="/js/analysis/photo.js"]').get_attribute("src")
    pairs = [
        [2.9e-5, 0.00749], [2.9e-5, 7.5e-5], [-1.234e-7, 9.99e-5], [0, 8.12345], [0.4981, 0.5023],
        [-1234.5, 98765.4], [1e-12, 1e-11], [0, 0],
    ]  # fmt: skip
    assert script is not None
    written = page.evaluate(WRITTEN, [script.replace("photo.js", "caption.js"), pairs])
    shortened = 0
    for width, low, high, text, over in written:
        assert over <= 0, (width, text)
        if text:
            read = numbers(text)
            expected = [low, high][-len(read) :]
            assert read == pytest.approx(expected, rel=6e-2, abs=6e-2 * abs(high)), (width, text)
        shortened += not text
    assert 0 < shortened < len(written) / 2
