"""Reading the table: values, controls that ask the server nothing, the enlarged map, the target."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import httpx
import numpy as np
import pytest
from playwright.sync_api import Locator, Page, expect

from tests.support.encoding import encode
from tests.support.pages import PIXELS, Visit, adjust, analysed, choose, serious, until

pytestmark = pytest.mark.xdist_group("browser: a photo")


def cell(page: Page, model: str, stage: str, method: str = "gradcam") -> Locator:
    return page.locator(
        f'.cell[data-model="{model}"][data-stage="{stage}"][data-method="{method}"]'
    )


def number(text: str) -> float:
    """The number that the page writes, of a range the larger: true minus, raised exponent."""
    plain = text.translate(str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻\u2212", "0123456789--"))
    found = re.search(r"(-?[\d.]+)(?:\s*×10(-?\d+))?", plain.split("–")[-1])
    assert found, text
    return float(found[1]) * 10 ** int(found[2] or 0)


def record(visit: Visit, model: str, stage: str, method: str) -> dict[str, object]:
    analysis = visit.page.url.split("/analyses/")[1][:32]
    maps = httpx.get(f"{visit.address}/api/v1/analyses/{analysis}/heatmaps").json()["items"]
    wanted = (model, stage, method)
    found = next(m for m in maps if (m["model"], m["stage"], m["method"]) == wanted)
    address = f"{visit.address}/api/v1/heatmaps/{found['id']}?values=true"
    return dict(httpx.get(address).json())


def hover(target: Locator, x: float, y: float) -> None:
    target.scroll_into_view_if_needed()
    box = target.locator(".frame").bounding_box()
    assert box
    target.page.mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"])


def test_the_value_under_the_pointer_is_the_servers(visit: Visit, photo: str) -> None:
    page = visit.show(photo)
    for method, words in (("attention", "learnt mask"), ("gradcam", "Grad-CAM")):
        target = cell(page, "gated", "late", method)
        hover(target, 0.55, 0.36)  # column 5, row 2 of 7 x 10
        values = record(visit, "gated", "late", method)["values"]
        assert isinstance(values, list)
        readout = page.locator("[data-readout]")
        expect(readout).to_contain_text(f"late, {words}")
        expect(readout).to_contain_text("row 3, column 6 of 7 × 10")
        read = number(readout.locator("strong").inner_text())
        assert read == pytest.approx(values[2][5], rel=6e-3)
        until(lambda target=target, read=read: number(value_of(target)) == read)


def value_of(target: Locator) -> str:
    return target.locator("[data-value]").inner_text()


def test_one_spot_in_all_cells(visit: Visit, photo: str) -> None:
    page = visit.show(photo)
    hover(cell(page, "cbam", "early"), 0.25, 0.75)
    marks = page.locator(".cell .cross").all()[::7]
    for mark in [*marks, page.locator("[data-frame=photo] .cross")]:
        until(lambda mark=mark: place(mark) == pytest.approx((0.25, 0.75), abs=0.03))


def place(mark: Locator) -> tuple[float, float] | None:
    """Where in its frame a cross is, as shares of the frame's width and height."""
    frame, cross = mark.locator("xpath=..").bounding_box(), mark.bounding_box()
    if not frame or not cross:
        return None
    x = (cross["x"] + cross["width"] / 2 - frame["x"]) / frame["width"]
    y = (cross["y"] + cross["height"] / 2 - frame["y"]) / frame["height"]
    return x, y


def test_controls_act_on_every_cell_and_ask_nothing(visit: Visit, photo: str) -> None:
    page = visit.show(photo)
    canvases = [
        cell(page, "l2pa", "medium").locator("canvas"),
        cell(page, "plain", "late").locator("canvas"),
    ]
    visit.requests.clear()
    adjust(page)

    def changes(act: Callable[[], object]) -> None:
        before = [canvas.evaluate(PIXELS) for canvas in canvases]
        act()
        for canvas, old in zip(canvases, before, strict=True):
            until(lambda canvas=canvas, old=old: canvas.evaluate(PIXELS) != old)

    changes(lambda: choose(page, "Grid"))
    changes(lambda: page.get_by_label("Colours").select_option("viridis"))
    adjust(page)
    changes(lambda: page.get_by_label("Hide below").fill("40"))
    changes(lambda: page.get_by_label("Signed").check())
    changes(lambda: page.get_by_label("Scale").select_option("absolute"))
    page.get_by_label("Opacity").fill("20")
    for canvas in canvases:
        expect(canvas).to_have_css("opacity", "0.2")
    assert [address for address in visit.requests if "/api/" in address] == []


def test_show_masks_or_gradcam_or_both(visit: Visit, photo: str) -> None:
    page = visit.show(photo)
    mask, cam = cell(page, "l2pa", "late", "attention"), cell(page, "l2pa", "late")
    expect(mask).to_be_visible()
    expect(cam).to_be_visible()
    choose(page, "Masks")
    expect(cam).to_be_hidden()
    expect(page.get_by_text("MobileNetV2 learns no mask").first).to_be_visible()
    choose(page, "Grad-CAM")
    expect(mask).to_be_hidden()
    expect(cam).to_be_visible()


def test_a_mask_says_what_an_even_one_would_change(each_width: Visit, photo: str) -> None:
    page = each_width.show(photo)
    for model in ("l2pa", "gated-grid", "cbam"):
        for stage in ("early", "late", "combined"):
            evidence = record(each_width, model, stage, "attention")["evidence"]
            assert isinstance(evidence, dict)
            even = evidence["if_even"]
            points = round(100 * abs(even["probability_change"]))
            sign = "\u2212" if even["probability_change"] < 0 else "+"
            expected = f"{sign}{points}" if points else "no effect"
            shown = cell(page, model, stage, "attention").locator("[data-effect]")
            expect(shown).to_contain_text("another answer" if even["answer_changed"] else expected)
            box = shown.evaluate("e => [e.scrollWidth, e.clientWidth]")
            assert box[0] <= box[1]
    assert cell(page, "l2pa", "late").locator("[data-effect]").count() == 0
    cell(page, "l2pa", "late", "attention").click()
    facts = page.locator("[data-big-facts]")
    expect(facts.locator("dt", has_text="If even")).to_be_visible()
    expect(facts.locator("dd", has_text="the same answer").first).to_contain_text("golf ball")


def test_enlarged_map_tells_its_facts(each_width: Visit, photo: str) -> None:
    page = each_width.show(photo)
    cell(page, "gated-grid", "medium", "attention").click()
    truth = record(each_width, "gated-grid", "medium", "attention")
    expect(page.locator("[data-big-title]")).to_contain_text("medium, learnt mask")
    facts = dict(
        zip(
            page.locator("[data-big-facts] dt").all_inner_texts(),
            page.locator("[data-big-facts] dd").all_inner_texts(),
            strict=True,
        )
    )
    assert facts["Layer"] == truth["layer"]
    assert facts["Grid"] == "14 × 19"
    low, high = facts["Range"].split(" to ")
    assert (number(low), number(high)) == pytest.approx((truth["min"], truth["max"]), rel=6e-3)
    assert number(facts["Sum"]) == pytest.approx(truth["sum"], rel=6e-3)
    assert number(facts["Entropy"]) == pytest.approx(truth["entropy"], rel=6e-3)
    page.get_by_role("button", name="Next map").click()
    expect(page.locator("[data-big-title]")).to_contain_text("medium, Grad-CAM")
    page.get_by_role("button", name="Back to the table").click()
    expect(page.locator("[data-big]")).to_be_hidden()
    expect(cell(page, "gated-grid", "medium")).to_be_focused()


def test_a_photo_keeps_its_shape_until_its_middle_is_asked_for(visit: Visit, photo: str) -> None:
    page = visit.show(photo)
    heads, frame = page.locator("[data-stage-grid]"), cell(page, "gated", "late").locator(".frame")
    expect(heads).to_have_text(["28 × 38", "14 × 19", "7 × 10", "all three"])
    expect(page.get_by_text("the whole photo at its own proportions")).to_be_visible()
    assert shape_of(frame) == pytest.approx(1200 / 900, abs=0.02)
    adjust(page)
    again = page.get_by_role("button", name="Ask again so")
    expect(again).to_be_disabled()
    page.get_by_label("The networks see").select_option("the square in its middle")
    again.click()
    page.wait_for_url(lambda url: photo not in url)
    visit.complete()
    expect(heads).to_have_text(["28 × 28", "14 × 14", "7 × 7", "all three"])
    expect(page.get_by_text("the rest of it is not shown")).to_be_visible()
    for one in (frame, page.locator("[data-frame=lead]")):
        assert shape_of(one) == pytest.approx(1, abs=0.02)


def shape_of(frame: Locator) -> float:
    """Width by height of what stands in a frame."""
    box = frame.locator("img").bounding_box()
    assert box
    return box["width"] / box["height"]


def test_another_target_computes_gradcam_only(visit: Visit, photo: str) -> None:
    page = visit.show(photo)
    cam = cell(page, "gated", "combined").locator("canvas")
    mask = cell(page, "gated", "combined", "attention").locator("canvas")
    before, mask_before = cam.evaluate(PIXELS), mask.evaluate(PIXELS)
    posted: list[dict[str, object]] = []
    page.on("request", lambda r: r.method == "POST" and posted.append(r.post_data_json))
    page.get_by_label("Grad-CAM explains").click()
    expect(page.get_by_role("option").nth(1)).to_contain_text("%")
    page.get_by_label("Grad-CAM explains").fill("French horn")
    page.keyboard.press("Enter")
    expect(page.locator(".is-target")).to_have_count(7)
    until(lambda: cam.evaluate(PIXELS) != before)
    assert [(post["methods"], post["target"]) for post in posted] == [(["gradcam"], "French horn")]
    expect(page.locator(".waiting")).to_have_count(0)
    assert mask.evaluate(PIXELS) == mask_before
    page.get_by_label("Grad-CAM explains").click()
    page.get_by_role("option", name="Each model’s own top class").click()
    expect(page.locator(".is-target")).to_have_count(0)
    until(lambda: cam.evaluate(PIXELS) == before)
    assert len(posted) == 1


def test_the_enlarged_map_follows_the_target(visit: Visit, photo: str) -> None:
    page = visit.show(photo)
    cell(page, "gated", "medium").click()
    expect(page.locator("[data-big-meaning]")).to_contain_text("golf ball")
    page.get_by_label("Grad-CAM explains").fill("French horn")
    page.keyboard.press("Enter")
    expect(page.locator("[data-big-meaning]")).to_contain_text("French horn")
    expect(page.locator("[data-big-facts]")).to_contain_text("French horn")


def test_residual_channels_are_one_click_away(visit: Visit, photo: str) -> None:
    page = visit.show(photo)
    early = cell(page, "residual", "early", "attention")
    stack = record(visit, "residual", "early", "attention-channels")["values"]
    assert isinstance(stack, list)
    flat = [[value for row in channel for value in row] for channel in stack]
    choose(page, "max")
    largest = max(value for channel in flat for value in channel)
    expect(early).to_have_attribute("aria-label", re.compile("range"))
    shown = early.locator("[data-value]")
    until(lambda: number(shown.inner_text()) == pytest.approx(largest, rel=6e-3))
    choose(page, "№")
    page.get_by_label("Channel number").fill("40")
    expect(early).to_contain_text("only 32 channels here")
    page.get_by_label("Channel number").fill("5")
    expect(early).not_to_contain_text("only")
    until(lambda: number(shown.inner_text()) == pytest.approx(max(flat[5]), rel=6e-3))


def test_a_row_that_lacks_the_class_says_so(visit: Visit, photo: str) -> None:
    """In place of every map: it explains no other class. And nothing moves."""
    page = visit.show(photo)
    rows = page.locator(".row:not(.head)")
    boxes = "rows => rows.map((row) => row.getBoundingClientRect().toJSON())"
    before = rows.evaluate_all(boxes)
    own = cell(page, "cbam", "late")
    expect(own.locator("canvas")).to_be_visible()
    page.get_by_label("Grad-CAM explains").fill("golfcart")
    page.keyboard.press("Enter")
    first = rows.first.locator("[data-says]")
    expect(first.locator(".is-target")).to_contain_text("golfcart")
    expect(page.locator(".lacking")).to_have_text(6 * ["does not know golfcart"])
    expect(page.locator(".waiting")).to_have_count(0)
    expect(own.locator("canvas")).to_be_hidden()
    expect(own.locator(".words")).to_have_text("does not know golfcart")
    assert rows.evaluate_all(boxes) == before


def test_rows_that_cannot_know_say_so_and_show_their_maps(
    visit: Visit, server: str, tmp_path: Path
) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (240, 320, 3), np.uint8)
    file = tmp_path / "noise.png"
    file.write_bytes(encode(noise, "PNG"))
    page = visit.show(analysed(server, file, models=["residual", "cbam"]))
    for model in ("residual", "cbam"):
        says = page.locator(f'[data-row="{model}"] [data-says]')
        expect(says).to_have_text("knows ten things; this seems to be none of them")
    cell(page, "cbam", "late").click()
    expect(page.locator("[data-big-facts]")).to_contain_text("it abstains")
    adjust(page)
    page.get_by_label("True class").select_option("golf ball")
    expect(page.locator('[data-row="cbam"] [data-verdict]')).to_have_attribute(
        "aria-label", "abstains"
    )
    assert serious(page) == []


def test_a_link_shows_what_was_seen(visit: Visit, photo: str) -> None:
    page = visit.show(photo)
    adjust(page)
    page.get_by_label("Opacity").fill("80")
    page.get_by_label("Scale").select_option("shared")
    page.get_by_label("True class").select_option("golf ball")
    page.get_by_label("Grad-CAM explains").fill("church")
    page.keyboard.press("Enter")
    expect(page.locator(".is-target")).to_have_count(7)
    expect(page.locator(".waiting")).to_have_count(0)
    cell(page, "cbam", "late").click()
    for part in ("opacity=80", "scale=shared", "true=golf", "cam=", "cell=cbam.late.gradcam"):
        until(lambda part=part: part in page.evaluate("location.search"))  # it follows the view
    until(lambda: page.locator("[data-big-canvas]").is_visible())
    picture = page.locator("[data-big-canvas]").evaluate(PIXELS)
    other = visit.context.new_page()
    posted: list[str] = []
    other.on("request", lambda r: r.method == "POST" and posted.append(r.url))
    other.goto(page.url)
    expect(other.locator("[data-big-title]")).to_have_text("CBAM, late, Grad-CAM")
    expect(other.get_by_label("Opacity")).to_have_value("80")
    expect(other.get_by_label("Scale")).to_have_value("shared")
    expect(other.get_by_label("True class")).to_have_value("golf ball")
    expect(other.get_by_label("Grad-CAM explains")).to_have_value("church")
    expect(other.locator(".is-target")).to_have_count(7)
    expect(other.locator(".waiting")).to_have_count(0)
    until(lambda: other.locator("[data-big-canvas]").evaluate(PIXELS) == picture)
    assert posted == []


def test_no_positive_evidence_is_said(visit: Visit, photo: str) -> None:
    """No model finds a gas pump in a golf ball: some maps have nothing to say for it."""
    page = visit.show(photo)
    page.get_by_label("Grad-CAM explains").fill("gas pump")
    with page.expect_response(lambda answer: answer.request.method == "POST") as posted:
        page.keyboard.press("Enter")
    made = f"{visit.address}{posted.value.json()['links']['self']}"
    until(lambda: httpx.get(made).json()["state"] == "succeeded")
    maps = httpx.get(f"{made}/heatmaps").json()["items"]
    silent = [one["max"] <= 0 for one in maps]
    assert any(silent)
    assert not all(silent)
    for one, nothing in zip(maps, silent, strict=True):
        target = cell(page, one["model"], one["stage"])
        expect(target.locator(".words")).to_be_visible(visible=nothing)
        words = "No positive evidence for gas pump" if nothing else "highest at"
        expect(target).to_have_attribute("aria-label", re.compile(words))
