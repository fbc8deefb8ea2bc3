"""The figure of the home page: a photo lit by a model's stored maps."""

from __future__ import annotations

import json
from collections.abc import Iterator

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, expect

from app.web.http.templating import ROOT
from tests.support.pages import WIDE, Visit, Windows, until
from tests.support.web import shared_server

LIGHT = """canvas => {
  const {width, height} = canvas;
  const {data} = canvas.getContext("2d").getImageData(0, 0, width, height);
  const light = [];
  for (let y = 0; y < 7; y += 1) for (let x = 0; x < 10; x += 1) {
    const row = Math.round((y + 0.5) * height / 7), column = Math.round((x + 0.5) * width / 10);
    const at = 4 * (row * width + column);
    const colour = data.slice(at, at + 3);
    light.push(Math.max(...colour) - Math.min(...colour));
  }
  return light;
}"""


@pytest.fixture
def visit(windows: Windows) -> Iterator[Visit]:
    server = shared_server()
    server.reset()
    yield from windows.visiting(server.url, WIDE, "light")


def move(page: Page, share: float) -> None:
    box = page.locator("[data-ball]").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + share * box["width"], box["y"] + box["height"] / 2)


def test_the_pointer_goes_from_early_to_late(visit: Visit) -> None:
    page = visit.open()
    assert not any("home.json" in url for url in visit.requests)  # until somebody wants it
    canvas, words = page.locator("[data-ball-canvas]"), page.locator("[data-ball-words]")
    move(page, 0.05)
    expect(canvas).to_be_visible()
    expect(words).to_contain_text("learnt mask of the early stage, 28 × 38 values")
    early = canvas.evaluate(LIGHT)
    move(page, 0.95)
    expect(words).to_contain_text("late stage, 7 × 10 values")
    until(lambda: canvas.evaluate(LIGHT) != early)
    stored = json.loads((ROOT / "static" / "home.json").read_text(encoding="utf-8"))["maps"]
    late = next(one for one in stored if (one["method"], one["stage"]) == ("attention", "late"))
    dark = np.array(late["values"]) <= 1 / 70  # an even mask's share: there the photo is grey
    colours = np.array(canvas.evaluate(LIGHT))
    assert dark.any()
    assert colours[dark].max() <= 3
    assert colours[~dark].max() > 60
    move(page, 0.5)
    expect(page.get_by_role("radio", name="Medium")).to_be_checked()


def test_the_keys_do_the_same(visit: Visit) -> None:
    page = visit.open()
    page.get_by_role("radio", name="Late").focus()
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("radio", name="Combined")).to_be_checked()
    said = page.locator("[data-ball-said]")
    expect(said).to_contain_text("learnt mask of all three stages, combined")
    expect(said).to_contain_text("highest at")
    before = page.locator("[data-ball-canvas]").evaluate(LIGHT)
    page.get_by_role("radio", name="Grad-CAM").check()
    expect(said).to_contain_text("Grad-CAM of all three stages")
    until(lambda: page.locator("[data-ball-canvas]").evaluate(LIGHT) != before)


def test_without_scripts_there_is_the_picture(visit: Visit, browser: Browser) -> None:
    context = browser.new_context(java_script_enabled=False, color_scheme="dark")
    page = context.new_page()
    page.goto(visit.address)
    expect(page.get_by_role("img", name="A golf ball in the grass.")).to_be_visible()
    expect(page.get_by_role("radio")).to_have_count(0)
    context.close()
