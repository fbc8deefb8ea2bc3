"""A clip in, two streams out: playing, scrubbing, fusion, ranges, with mouse and keyboard."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.support.clip_files import KINDS, make, uneven
from tests.support.clip_pages import (
    SECONDS,
    analysis,
    asked,
    at,
    at_once,
    at_rest,
    frame_shown,
    pane,
    ready,
    scrub,
    shown_time,
    written,
)
from tests.support.pages import Visit, adjust, analysed, choose, overflows, serious, until

pytestmark = pytest.mark.xdist_group("browser: a clip")


@pytest.fixture(scope="module")
def clip(server: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Path of a page: a clip, explained by three models; a page draws 32 maps for each."""
    models = ["fight-plain", "fight-gated", "camera-motion"]
    return analysed(server, written(tmp_path_factory.mktemp("clips"), 5), models=models)


@pytest.fixture(scope="module")
def gated(server: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Path of a page: the same clip, explained by one model only."""
    file = written(tmp_path_factory.mktemp("clips"), 5)
    return analysed(server, file, models=["fight-gated"])


def test_a_clip_plays_with_both_streams_in_step(each_width: Visit, clip: str) -> None:
    page = ready(each_width, clip)
    expect(page.locator("h1")).to_have_text("clip.mp4")  # somebody else's
    expect(page.locator(".row:not(.head)")).to_have_count(len(analysis(each_width)["predictions"]))
    each_width.requests.clear()
    page.get_by_role("radio", name="Grad-CAM").last.check()
    in_sight(page)
    names = ("motion", "rgb", "flow")
    before = [pane(page, name) for name in names]
    page.get_by_role("button", name="Play", exact=True).click()
    until(lambda: shown_time(page) > 0.9)
    page.get_by_role("button", name="Pause", exact=True).click()
    for name, old in zip(names, before, strict=True):
        until(lambda name=name, old=old: pane(page, name) != old)
    assert asked(each_width) == []


def in_sight(page: Page) -> None:
    """Scroll the player into sight, below the table: out of sight it draws nothing."""
    page.locator("[data-panes]").scroll_into_view_if_needed()
    page.wait_for_function(
        "document.querySelector('[data-panes]').getBoundingClientRect().bottom <= innerHeight"
    )


def test_scrubbing_moves_every_map_and_asks_nothing(visit: Visit, clip: str) -> None:
    page = ready(visit, clip)
    cell = page.locator('.cell.cam[data-stream="flow"][data-stage="late"]').first
    cell.scroll_into_view_if_needed()
    page.locator(".lane.ruler").scroll_into_view_if_needed()
    visit.requests.clear()
    scrub(page, 0.1)
    page.mouse.down()
    at(page, 0.1 * SECONDS)
    before = pane(page, "rgb"), pane(page, "motion")
    for step in range(2, 9):
        scrub(page, step / 10)
    page.mouse.up()
    at(page, 0.8 * SECONDS)
    until(lambda: pane(page, "rgb") != before[0])
    until(lambda: pane(page, "motion") != before[1])
    expect(page.locator("[data-plot]")).to_have_attribute("aria-valuetext", re.compile("2.40"))
    assert asked(visit) == []


def test_between_snippets_is_marked_and_raw_is_not(visit: Visit, clip: str) -> None:
    found = httpx.get(f"{visit.address}/api/v1{clip}").json()
    times = next(iter(found["predictions"].values()))["clip"]["times"]
    middle = (times[2] + times[3]) / 2 + 0.1
    page = ready(visit, f"{clip}?t={middle:.3f}")
    words = page.locator("[data-between]")
    expect(words).to_have_text(
        f"Interpolated between {times[2]:.2f}\u202fs and {times[3]:.2f}\u202fs"
    )
    page.get_by_role("radio", name="Grad-CAM").last.check()
    in_sight(page)
    mixed = pane(page, "rgb")
    adjust(page)
    choose(page, "Raw")
    expect(words).to_have_text(f"Raw: snippet 4 of {len(times)} ({times[3]:.2f}\u202fs)")
    until(lambda: pane(page, "rgb") != mixed)


def test_the_fusion_slider_changes_every_answer_at_once(visit: Visit, clip: str) -> None:
    page = ready(visit, clip)
    model, prediction = next(iter(analysis(visit)["predictions"].items()))
    scores = prediction["clip"]
    row = page.locator(f'[data-row="{model}"] [data-says]')
    visit.requests.clear()
    before = page.locator("[data-share-sum]").inner_text()
    page.get_by_label("RGB : flow").fill("90")
    logits = [
        sum(
            weight
            * sum(a * z[c] for a, z in zip(one["consensus"], one["logits"], strict=True))
            / scores["temperature"]
            for weight, one in ((0.1, scores["streams"]["rgb"]), (0.9, scores["streams"]["flow"]))
        )
        for c in range(len(scores["classes"]))
    ]
    total = sum(map(math.exp, logits))
    best = max(range(len(logits)), key=logits.__getitem__)
    expect(row.locator("li").first).to_contain_text(scores["classes"][best])
    expect(row.locator("li").first).to_contain_text(f"{100 * math.exp(logits[best]) / total:.1f}")
    expect(page.locator("[data-share-sum]")).not_to_have_text(before, use_inner_text=True)
    page.get_by_role("button", name="Reset to the models’ weights").click()
    expect(page.locator("[data-share-sum]")).to_have_text(before, use_inner_text=True)
    assert asked(visit) == []


def test_shares_add_up_and_lead_to_their_segment(visit: Visit, clip: str) -> None:
    page = ready(visit, clip)
    shown = page.get_by_label("Shown", exact=True).input_value()
    prediction = analysis(visit)["predictions"][shown]
    pieces = page.locator("[data-share-rows] button")
    labels = [str(piece.get_attribute("aria-label")) for piece in pieces.all()]
    values = [
        float(re.findall(r": ([+\u2212]?[\d.]+)", one)[0].replace("\u2212", "-")) for one in labels
    ]
    assert sum(values) == pytest.approx(prediction["target"]["logit"], abs=6e-4 * len(values))
    widths = [(piece.bounding_box() or {"width": 0})["width"] for piece in pieces.all()]
    longest = max(range(len(values)), key=lambda k: abs(values[k]))
    assert widths[longest] == max(widths)
    pieces.nth(longest).click()
    times = prediction["clip"]["times"]
    at(page, times[longest % len(times)])


def test_a_cell_becomes_the_players_layer_and_a_link_says_so(visit: Visit, clip: str) -> None:
    page = ready(visit, clip)
    cell = page.locator('.cell.cam[data-stream="rgb"][data-stage="early"]').first
    cell.click()
    expect(page.locator('[data-pane="flow"] [data-pane-words]')).to_have_text("early · Grad-CAM")
    expect(page.locator(".cell.selected")).to_have_count(2)
    adjust(page)
    page.get_by_label("Opacity").fill("90")
    until(lambda: "opacity=90" in page.evaluate("location.search"))
    page.get_by_role("button", name="Copy link").click()
    address = page.evaluate("location.href")
    assert f"layer={cell.get_attribute('data-model')}.early.gradcam" in address
    other = visit.context.new_page()
    other.goto(address)
    expect(other.locator('[data-pane="flow"] [data-pane-words]')).to_have_text("early · Grad-CAM")
    expect(other.get_by_label("Opacity")).to_have_value("90")


def test_a_range_is_explained_alone(visit: Visit, gated: str) -> None:
    page = ready(visit, gated)
    posted: list[Any] = []
    page.on("request", lambda r: r.method == "POST" and posted.append(r.post_data_json))
    page.locator(".timeline").scroll_into_view_if_needed()
    box = page.locator(".lane.scores").bounding_box()
    assert box
    y = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + box["width"] / 3, y)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 2, y, steps=3)
    page.mouse.move(box["x"] + 2 * box["width"] / 3, y, steps=3)
    page.mouse.up()
    expect(page.locator("[data-range-words]")).to_have_text("1.00\u202fs to 2.00\u202fs")
    first = page.url.split("?")[0]
    page.get_by_role("button", name="Analyse this range").click()
    page.wait_for_url(lambda url: "/analyses/" in url and first not in url)
    assert posted[0]["from_s"] == pytest.approx(1, abs=0.01)
    assert posted[0]["to_s"] == pytest.approx(2, abs=0.01)
    visit.complete()
    expect(page.locator("header .label").first).to_contain_text("only 1.00–2.00 s")
    bounds = next(iter(analysis(visit)["predictions"].values()))["clip"]["bounds"]
    assert bounds[0][0] == pytest.approx(1, abs=0.01)
    assert bounds[-1][1] == pytest.approx(2, abs=0.01)


def test_another_class_is_explained_on_a_page_of_its_own(visit: Visit, gated: str) -> None:
    page = ready(visit, gated)
    posted: list[Any] = []
    page.on("request", lambda r: r.method == "POST" and posted.append(r.post_data_json))
    shown = page.get_by_label("Shown", exact=True).input_value()
    prediction = analysis(visit)["predictions"][shown]
    other = next(
        name for name in prediction["clip"]["classes"] if name != prediction["target"]["name"]
    )
    first = page.url.split("?")[0]
    words = other.replace("_", " ")
    page.get_by_label("Explained class").fill(other)
    page.get_by_role("option", name=words, exact=True).click()
    page.wait_for_url(lambda url: "/analyses/" in url and first not in url)
    assert posted[0]["target"] == other
    assert shown in posted[0]["models"]
    visit.complete()
    expect(page.get_by_label("Explained class")).to_have_value(words)
    expect(page.locator("[data-shares-title]")).to_contain_text(words)


def test_the_clock_by_keyboard(visit: Visit, clip: str) -> None:
    page = ready(visit, clip)
    page.locator("h1").click()
    frame = 1 / 15
    for key, to in (
        ("l", 1.0), (".", 1 + frame), (".", 1 + 2 * frame), (",", 1 + frame), ("Home", 0.0),
        ("ArrowRight", 0.5), ("ArrowRight", 1.0), ("j", 0.0),
    ):  # fmt: skip
        page.keyboard.press(key)
        at(page, to)
    page.keyboard.press("PageDown")
    expect(page.locator("[data-between]")).to_contain_text("At snippet 1 of")
    page.keyboard.press("i")
    page.keyboard.press("End")
    page.keyboard.press("o")
    expect(page.locator("[data-range]")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("[data-range]")).to_be_hidden()
    page.get_by_label("Speed").select_option("0.1")
    page.locator("h1").click()
    page.keyboard.press("Home")
    page.keyboard.press(" ")
    expect(page.get_by_role("button", name="Pause", exact=True)).to_be_visible()
    page.keyboard.press("k")
    expect(page.get_by_role("button", name="Play", exact=True)).to_be_visible()
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keyboard")).to_contain_text("a frame back, on")
    page.keyboard.press("Escape")
    slider = page.get_by_role("slider", name="Time in the clip")
    slider.focus()
    page.keyboard.press("End")
    until(lambda: float(slider.get_attribute("aria-valuenow") or 0) > SECONDS - 0.1)


def test_play_starts_where_the_last_seek_leads(visit: Visit, clip: str) -> None:
    page = ready(visit, clip)
    page.get_by_label("Speed").select_option("0.1")
    page.locator("h1").click()
    at_once(page, "End", "Home", " ")
    expect(page.get_by_role("button", name="Pause", exact=True)).to_be_visible()
    video = "document.querySelector('video')"
    until(lambda: page.evaluate(f"!{video}.seeking && {video}.currentTime < {SECONDS / 2}"))
    arrived = page.evaluate(f"{video}.currentTime")
    until(lambda: page.evaluate(f"{video}.currentTime > {arrived}"))  # it goes on from there
    assert page.evaluate(f"{video}.currentTime") < SECONDS / 2


FAST = {  # keys, and the frame they lead to
    "l . .": 17,  # from where the jump leads, and no press is lost
    "l . , .": 16,
    ". . . Home": 0,  # a jump calls off the steps before it
    ". . Home .": 1,
    "l . l": 31,
    "End , ,": 42,
}


def test_steps_pressed_faster_than_the_clip_follows(visit: Visit, clip: str) -> None:
    page = ready(visit, clip)
    for keys, frame in FAST.items():
        at_once(page, "Home")
        at_rest(page)
        at(page, 0)
        at_once(page, *keys.split())
        at_rest(page)
        at(page, frame / 15)
        left = page.evaluate("document.querySelector('video').currentTime")
        assert math.floor(left * 15) == frame, keys


@pytest.mark.parametrize("name", ["h264 mp4", "hevc mp4 10 bit"])
def test_steps_at_a_variable_rate_miss_no_frame(visit: Visit, tmp_path: Path, name: str) -> None:
    kind = KINDS[name]
    times = [float(at * kind.unit) for at in uneven(30, kind.unit)]
    file = make(tmp_path, kind, uneven(30, kind.unit))
    page = ready(visit, analysed(visit.address, file, models=["camera-motion"]))
    page.locator("h1").click()

    for n in range(1, 12):
        page.keyboard.press(".")
        at(page, times[n])
        until(lambda n=n: frame_shown(page) == n)
    at_once(page, *",,,....,")
    at(page, times[11])
    until(lambda: frame_shown(page) == 11)


def test_cells_keep_their_place_while_models_come(visit: Visit, tmp_path: Path) -> None:
    page = visit.open()
    page.locator("[data-pick]").first.set_input_files(written(tmp_path, 6))
    page.wait_for_url("**/analyses/*")
    places = "[...document.querySelectorAll('.cell, .pane, .plot')]"
    boxes = f"{places}.map(c => c.getBoundingClientRect().toJSON())"
    page.locator(".cell").first.wait_for(state="attached")
    before = page.evaluate(boxes)
    visit.complete()
    expect(page.locator("video")).to_be_visible()
    expect(page.locator("[data-waiting]")).to_be_hidden()
    at_rest(page)
    assert page.evaluate(boxes) == before
    expect(page.locator("h1")).to_have_text("box.mp4")


def test_a_still_table_is_drawn_whole(visit: Visit, clip: str) -> None:
    """Out of sight too: for print, and for who scrolls fast."""
    page = ready(visit, clip)
    page.set_viewport_size({"width": 1440, "height": 500})
    last = page.locator(".cell canvas").last
    values = page.locator(".cell.ready [data-value]")
    assert last.bounding_box()["y"] > 2 * page.viewport_size["height"]  # type: ignore[index]
    until(lambda: page.locator(".cell.ready:not(.drawn)").count() == 0)
    until(lambda: all(values.all_inner_texts()))
    before = last.evaluate("c => c.toDataURL()")
    page.locator("h1").click()
    page.keyboard.press("l")
    until(lambda: last.evaluate("c => c.toDataURL()") != before)


def test_the_page_of_a_clip_is_accessible(any_visit: Visit, clip: str) -> None:
    page = ready(any_visit, clip)
    assert serious(page) == []
    assert overflows(page) == 0
    page.get_by_text("Timeline as a table").click()
    expect(page.locator("[data-numbers] tbody tr").first).to_be_visible()
    assert serious(page) == []
    assert overflows(page) == 0


def test_a_model_without_masks_shows_its_evidence(visit: Visit, clip: str) -> None:
    page = ready(visit, clip)
    mask, evidence = (
        page.locator(f'form[data-layer] input[name="method"][value="{name}"]')
        for name in ("attention", "gradcam")
    )
    page.locator("#layer-model").select_option("fight-gated")
    mask.check()
    page.locator("#layer-model").select_option("camera-motion")
    expect(evidence).to_be_checked()
    expect(mask).to_be_disabled()
    expect(page.get_by_text("This model learns no mask")).to_have_count(0)


def test_a_moment_without_evidence_and_the_class_that_leads(
    visit: Visit, server: str, tmp_path: Path
) -> None:
    """Of 90 classes an unlikely one is explained: at some moments nothing speaks for it."""
    target = "church, pan up"
    file = written(tmp_path, 5)
    path = analysed(server, file, models=["camera-motion"], target=target)
    maps = httpx.get(f"{server}/api/v1{path}/heatmaps").json()["items"]
    flow = [m for m in maps if (m["stream"], m["stage"]) == ("flow", "late") and m["target"]]
    page = ready(visit, f"{path}?layer=camera-motion.late.gradcam&raw=1")
    page.locator("h1").click()
    page.keyboard.press("Home")
    words = page.locator('[data-pane="flow"] .words')
    silent = [one["max"] <= 0 for one in flow]
    assert any(silent)
    assert not all(silent)
    for nothing in silent:
        page.keyboard.press("PageDown")
        expect(words).to_be_visible(visible=nothing)
        if nothing:
            expect(words).to_have_text("No positive evidence at this moment")
        leads = page.locator(".name.wins")
        if leads.count():
            expect(leads).not_to_contain_text(target)
    score = page.locator(".names.scores .name").first
    expect(score).to_contain_text(target)
    expect(score).not_to_have_css("font-weight", "600")
