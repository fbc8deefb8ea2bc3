"""The answer before the table: sentence, places, light, chips, stages, folding."""

from __future__ import annotations

from typing import Any

import httpx
import numpy as np
import pytest
from playwright.sync_api import Page, expect

from tests.support.pages import PIXELS, Visit, choose, until

pytestmark = pytest.mark.xdist_group("browser: a photo")
INTENSE, FAINT = 1.0, 0.05


def imported(page: Page, name: str, work: str, value: object) -> Any:
    """The value of an expression about a `module` of the page's scripts and a `value`."""
    base = str(page.locator('link[href*="css/base.css"]').evaluate("link => link.href"))
    address = base.replace("css/base.css", f"js/{name}.js")
    return page.evaluate(
        f"async ([address, value]) => {{ const module = await import(address); return {work} }}",
        [address, value],
    )


def spots(*lit: tuple[slice, slice], side: int = 7) -> np.ndarray[Any, Any]:
    values = np.full((side, side), FAINT)
    for place in lit:
        values[place] = INTENSE
    return values


ALL = slice(None)
PLACES = [
    (spots((slice(2, 5), slice(2, 5))), "the middle"),
    (spots((slice(0, 2), slice(0, 2))), "the top left corner"),
    (spots((slice(1, 4), slice(0, 3))), "the upper left"),
    (spots((slice(4, 6), slice(4, 6))), "the lower right"),
    (spots((slice(3, 5), slice(5, 7))), "the right side"),
    (spots((slice(5, 7), slice(2, 5))), "the bottom"),
    (spots((slice(0, 1), ALL)), "the top edge"),
    (spots((slice(3, 5), ALL)), "a band across the middle"),
    (spots((ALL, slice(4, 7))), "a band down the right"),
    (spots((slice(0, 2), slice(0, 2)), (slice(5, 7), slice(5, 7))), "two corners"),
    (spots(*[(slice(y, y + 1), slice(x, x + 1)) for y in (1, 5) for x in (1, 5)]), "several"),
    (spots((slice(0, 5), ALL)), "most of the picture"),
    # as a zebra's: high in one corner, but half of the light fills the picture
    (np.outer(np.linspace(0.3, 1, 7), np.linspace(1, 0.3, 7)), "most of the picture"),
    (np.outer([0.1, 0.4, 1, 0.4, 0.1, 0, 0], np.linspace(1, 0.6, 7)), "a band across the top"),
    (np.outer(np.linspace(0.6, 1, 7), [0, 0.1, 0.4, 1, 0.4, 0.1, 0]), "a band down the middle"),
    # a bright spot on a little light everywhere: the peak says where
    (np.pad([[1.0]], ((1, 5), (1, 5)), constant_values=0.12), "the upper left"),
    (spots((ALL, ALL)), "all over the picture"),
    (np.linspace(0.95, 1, 49).reshape(7, 7), "all over the picture"),
    (spots((slice(4, 10), slice(2, 9)), side=28), "the upper left"),
    (-spots((ALL, ALL)), "nowhere in particular"),
]
WORDS = {
    "two corners": "the top left corner and the bottom right corner",
    "several": "several places",
}


def test_places_in_words(visit: Visit) -> None:
    maps = [
        {
            "rows": len(values), "cols": len(values[0]), "data": values.ravel().tolist(),
            "min": float(values.min()), "max": float(values.max()),
        }
        for values, _ in PLACES
    ]  # fmt: skip
    work = "value.map((map) => module.placeWords(map, [0, map.max]))"
    found = imported(visit.open("/models"), "answer/places", work, maps)
    assert found == [WORDS.get(words, words) for _, words in PLACES]


def answer(
    probability: float, other: float = 0.0, *, abstained: bool = False, best: str = "church"
) -> dict[str, Any]:
    top = [
        {"name": best, "probability": probability},
        {"name": "gas_pump", "probability": other},
    ]
    return {"top": top, "abstained": abstained}


SENTENCES = [
    (answer(0.97), 10, "Church, 97\u202f% sure."),
    (answer(0.9996), 10, "Church, over 99\u202f% sure."),
    (answer(0.62), 10, "Probably church (62\u202f%)."),
    (answer(0.31, 0.22), 10, "Not sure: perhaps church (31\u202f%) or gas pump (22\u202f%)."),
    (answer(0.97, abstained=True), 10, "None of what it knows."),
    (answer(0.6, 0.3, abstained=True), 1000,
     "Not sure: perhaps church (60\u202f%) or gas pump (30\u202f%)."),
]  # fmt: skip


def test_the_sentence_is_as_sure_as_the_model(visit: Visit) -> None:
    page = visit.open("/models")
    given = [[prediction, ["church"] * count] for prediction, count, _ in SENTENCES]
    work = "value.map((one) => module.answerWords(...one))"
    assert imported(page, "answer/sentence", work, given) == [words for *_, words in SENTENCES]
    places = [
        ["the middle", answer(0.9), "church"], ["all over the picture", answer(0.9), ""],
        ["the top", answer(0.9), "gas_pump"], ["nowhere in particular", answer(0.9), "church"],
    ]  # fmt: skip
    work = "value.map((one) => module.whereWords(...one))"
    assert imported(page, "answer/sentence", work, places) == [
        "It looked at the middle.",
        "It looked all over the picture.",
        "For “gas pump” it looked at the top.",
        "Nothing here speaks for “church”.",
    ]


KNOWN = ["church", "gas_pump"]
CHURCH, PUMP = answer(0.9), answer(0.9, best="gas_pump")
NONE, OTHER = answer(0.9, abstained=True), answer(0.9, best="pan right")
CHORUS = [
    (answer(0.46), [CHURCH, CHURCH],
     "Probably church (46\u202f%): both others say so too."),
    (answer(0.46, 0.2), [CHURCH], "Not sure: perhaps church (46\u202f%) or gas pump (20\u202f%)."),
    (answer(0.46, 0.2), [CHURCH, CHURCH, None],  # not all have answered
     "Not sure: perhaps church (46\u202f%) or gas pump (20\u202f%)."),
    (answer(0.46, 0.2), [CHURCH, CHURCH, NONE],
     "Not sure: perhaps church (46\u202f%) or gas pump (20\u202f%)."),
    (answer(0.46, 0.2), [CHURCH, CHURCH, PUMP],
     "Not sure: perhaps church (46\u202f%) or gas pump (20\u202f%)."),
    (answer(0.46, 0.2), [PUMP, PUMP, NONE],
     "Not sure: perhaps church (46\u202f%). Two others say gas pump."),
    (answer(0.46, 0.2), [OTHER, OTHER],  # of another question
     "Not sure: perhaps church (46\u202f%) or gas pump (20\u202f%)."),
    (answer(0.2, 0.1, abstained=True) | {"many": True}, [CHURCH, CHURCH],  # it stays an abstention
     "Not sure: perhaps church (20\u202f%) or gas pump (10\u202f%)."),
    (answer(0.62), [PUMP, PUMP], "Probably church (62\u202f%)."),
]  # fmt: skip


def test_an_unsure_answer_tells_what_all_others_say(visit: Visit) -> None:
    given = [
        [
            first,
            KNOWN + ["other"] * (1000 if "many" in first else 0),
            [{"prediction": one, "classes": KNOWN} for one in others],
        ]
        for first, others, _ in CHORUS
    ]
    work = "value.map((one) => module.answerWords(...one))"
    found = imported(visit.open("/models"), "answer/sentence", work, given)
    assert found == [words for *_, words in CHORUS]


LIT = """((canvas) => {
    const paper = new OffscreenCanvas(8, 1).getContext("2d")
    paper.fillStyle = "rgb(200 120 40)"
    paper.fillRect(0, 0, 8, 1)
    const spotlight = new module.Spotlight(Object.assign(canvas, { width: 8, height: 1 }))
    spotlight.take(paper.canvas)
    const steps = Uint8ClampedArray.from(value)
    return [true, false].map((dark) => {
        spotlight.light({ rows: 1, cols: 4, steps, smooth: false }, dark)
        const { data } = spotlight.context.getImageData(0, 0, 8, 1)
        return [0, 2, 4, 6].map((x) => [...data.slice(4 * x, 4 * x + 3)])
    }) })(document.createElement("canvas"))"""


def test_light_and_colour_follow_the_map(visit: Visit) -> None:
    steps = [0, 64, 140, 255]
    dark, paper = np.array(imported(visit.open("/models"), "lib/spotlight", LIT, steps))
    colour = np.array([200, 120, 40])
    grey = np.full(3, round(float(colour @ [0.3, 0.59, 0.11])))
    s = (np.array(steps)[:, None] / 255) ** 0.8
    np.testing.assert_allclose(
        dark, np.minimum(255, (grey + s * (colour - grey)) * (0.28 + 0.82 * s)), atol=4
    )
    veil = 0.35 * grey + 0.6 * 255
    np.testing.assert_allclose(paper, veil + s * (colour - veil), atol=4)


def test_an_even_mask_lights_nothing(visit: Visit) -> None:
    def entry(unit: str, low: float, high: float, target: str | None = None) -> dict[str, Any]:
        record = {"unit": unit, "shape": [7, 7], "target": target}
        return {"record": record, "method": "x", "min": low, "max": high}

    work = """value.map((entry) => module.litSpan(entry, {
        view: { scale: "map", signed: entry.method === "signed" }, all: [entry], spans: new Map(),
    }))"""
    even = 1 / 49
    found = imported(
        visit.open("/models"), "analysis/drawing", work,
        [
            entry("share", even, even), entry("share", 0, 0.2), entry("gate", 0.2, 0.9),
            entry("evidence", -3, 2, "church"), entry("evidence", -3, -1, "church"),
            entry("evidence", -3, 2, "church") | {"method": "signed"},
        ],
    )  # fmt: skip
    assert found == [
        [even, even], [even, 0.2], [0.2, 0.9], [0, 2], [0, 0], [0, 2],
    ]  # fmt: skip


def predictions(visit: Visit) -> dict[str, Any]:
    analysis = visit.page.url.split("/analyses/")[1][:32]
    return dict(httpx.get(f"{visit.address}/api/v1/analyses/{analysis}").json()["predictions"])


def test_the_answer_comes_first_and_the_table_is_in_sight(visit: Visit, photo: str) -> None:
    page = visit.show(photo)
    sentence = page.locator("[data-lead-sentence]")
    expect(sentence).to_contain_text("It looked")
    first = page.locator(".row:not(.head)").first
    model = str(first.get_attribute("data-row"))
    best = predictions(visit)[model]["top"][0]
    assert best["name"] in sentence.inner_text().lower()
    expect(page.locator(".lead .frame.lit")).to_be_visible()
    boxes = [one.bounding_box() for one in (page.locator(".lead .frame"), sentence, first)]
    tops = [box["y"] for box in boxes if box]
    bottoms = [box["y"] + box["height"] for box in boxes if box]
    assert tops[0] <= tops[1] + 1
    assert max(bottoms[:2]) < tops[2]
    assert bottoms[2] <= 900


def test_a_chip_shows_its_model_by_mouse_and_keyboard(visit: Visit, photo: str) -> None:
    page = visit.show(photo)
    canvas = page.locator("[data-lead-canvas]")
    chips = page.locator("[data-chip]")
    expect(page.locator('.chip[aria-checked="true"]')).to_contain_text("shown")
    before = canvas.evaluate(PIXELS)
    page.locator('[data-chip="gated"]').click()
    expect(page.locator("[data-lead-note]")).to_contain_text("Attention gates")
    until(lambda: canvas.evaluate(PIXELS) != before)
    page.keyboard.press("ArrowRight")
    expect(page.locator('[data-chip="gated-grid"]')).to_be_focused()
    expect(page.locator('[data-chip="gated-grid"]')).to_have_attribute("aria-checked", "true")
    until(lambda: "lead=gated-grid" in page.evaluate("location.search"))
    shown = predictions(visit)
    answers = [one["top"][0]["name"] for one in shown.values() if not one["abstained"]]
    agree = answers.count(shown["gated-grid"]["top"][0]["name"]) - 1
    expect(chips.filter(has_text="agrees")).to_have_count(agree)


def test_the_scrub_goes_from_stage_to_stage(visit: Visit, photo: str) -> None:
    page = visit.show(photo)
    visit.requests.clear()
    canvas, scrub = page.locator("[data-lead-canvas]"), page.get_by_label("Stage of the large view")
    expect(scrub).to_have_attribute("aria-valuetext", "Late")
    late = canvas.evaluate(PIXELS)
    scrub.press("ArrowLeft")
    expect(page.locator("[data-lead-note]")).to_contain_text("medium stage")
    expect(scrub).to_have_value("1")  # it has arrived
    until(lambda: "stage=medium" in page.evaluate("location.search"))
    medium = canvas.evaluate(PIXELS)
    box = scrub.bounding_box()
    assert box
    page.mouse.move(box["x"] + box["width"] / 3 + 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.47, box["y"] + box["height"] / 2)
    between = canvas.evaluate(PIXELS)
    assert between not in {late, medium}
    page.mouse.up()
    expect(scrub).to_have_value("1")
    until(lambda: canvas.evaluate(PIXELS) == medium)
    page.keyboard.press("3")
    expect(scrub).to_have_value("2")
    until(lambda: canvas.evaluate(PIXELS) == late)
    page.keyboard.press("h")
    expect(page.get_by_role("radio", name="Heat", exact=True)).to_be_checked()
    until(lambda: canvas.evaluate(PIXELS) != late)
    choose(page, "Light")
    until(lambda: canvas.evaluate(PIXELS) == late)
    page.emulate_media(reduced_motion="reduce")
    scrub.evaluate("input => { input.value = 0.6; input.dispatchEvent(new Event('input')) }")
    expect(scrub).to_have_value("1")  # nothing lies between
    until(lambda: canvas.evaluate(PIXELS) == medium)
    assert [address for address in visit.requests if "/api/" in address] == []


SHIFTS = """() => { window.shifts = 0
    new PerformanceObserver((list) => {
        for (const { value } of list.getEntries()) window.shifts += value
    }).observe({ type: "layout-shift" }) }"""
PHOTO_TOP = """document.querySelector(".photo").getBoundingClientRect().top -
    document.querySelector(".side").getBoundingClientRect().top"""
TABLE_TOP = "document.querySelector('[data-grid]').getBoundingClientRect().top"


def test_the_answer_folds_and_stays_folded(visit: Visit, photo: str) -> None:
    page = visit.show(photo)
    strip = page.locator(".lead-strip")
    expect(strip).to_be_hidden()
    page.evaluate(SHIFTS)
    before = page.evaluate(TABLE_TOP)
    page.mouse.move(700, 800)
    page.mouse.wheel(0, 560)
    until(lambda: page.evaluate("document.documentElement.dataset.folded") == "now")
    assert page.evaluate(TABLE_TOP) == pytest.approx(before - 560, abs=1)
    assert page.evaluate("window.shifts") < 0.05
    height = page.evaluate(PHOTO_TOP)
    for cell in page.locator('.cell.cam[data-stage="combined"]').all():
        cell.hover()  # its values are read above the photo
        assert page.evaluate(PHOTO_TOP) == pytest.approx(height, abs=0.5)
    page.reload()
    visit.complete()
    expect(strip).to_be_visible()
    expect(strip).to_contain_text("It looked")
    expect(page.locator(".photo")).to_be_visible()
    page.get_by_role("button", name="Unfold").click()
    expect(page.locator(".lead .frame.lit")).to_be_visible()
    expect(page.locator(".photo")).to_be_hidden()
    page.locator('.cell[tabindex="0"]').focus()
    page.keyboard.press("ArrowRight")
    expect(strip).to_be_visible()
