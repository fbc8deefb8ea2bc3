"""The pages about the models."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from playwright.sync_api import Locator, Page, expect

from app.core.shares import share_words
from tests.support.pages import PIXELS, Visit, choose, until

# Pages read cards and draw a few lines: scripts and styles of their own, no library.
MAX_SCRIPT_BYTES = 60_000
SIZES = """() => performance.getEntriesByType("resource")
  .filter((one) => one.name.includes(".js"))
  .map((one) => one.decodedBodySize)"""


def cards_of(visit: Visit) -> dict[str, Any]:
    items = httpx.get(f"{visit.address}/api/v1/models").json()["items"]
    return {card["id"]: card for card in items}


def canvas(page: Page, name: str, plot: str = "metric") -> Locator:
    """The canvas of a plot that takes the focus."""
    return page.locator(f'[data-chart="{name}"] [data-plot="{plot}"] canvas[tabindex]')


def read(page: Page, name: str) -> str:
    """What a screen reader is told of the place on show."""
    return page.locator(f'[data-chart="{name}"] [data-reading]').inner_text()


def test_list_and_comparison(visit: Visit) -> None:
    page = visit.open("/models")
    cards = cards_of(visit)
    expect(page.locator("tbody tr:not(.group)")).to_have_count(len(cards))
    expect(page.locator("tbody .group")).to_have_text(["For photos", "For clips"])
    trained = [card["title"] for card in cards.values() if card["curves"]]
    expect(page.locator(".legend-button")).to_have_text(trained)


@pytest.mark.parametrize(
    ("figure", "key", "form"),
    [
        ("Validation accuracy", "val_accuracy", lambda *case: share_words(*case, interval=False)),
        ("Validation loss", "val_loss", lambda value, _: f"{value:.4f}"),
        ("Training loss", "train_loss", lambda value, _: f"{value:.4f}"),
    ],
)
def test_curves_of_all_models_are_those_of_their_cards(
    visit: Visit, figure: str, key: str, form: Any
) -> None:
    page = visit.open("/models")
    choose(page, figure)
    label = f"{figure} of models for clips by epoch"
    plot = page.get_by_role("img", name=label)
    plot.press("Home")
    page.keyboard.press("ArrowRight")  # the second epoch
    shown = {
        card["title"]: form(card["curves"][1][key], card["metrics"]["clips"])
        for card in cards_of(visit).values()
        if card["media"] == "clip" and card["curves"]
    }
    expected = "; ".join(f"{title}: {value}" for title, value in shown.items())
    assert read(page, "clip") == f"epoch 2. {expected}"
    tip = page.locator('[data-chart="clip"] [data-tip]')
    for value in shown.values():
        expect(tip).to_contain_text(value)
    assert read(page, "image") == ""
    page.keyboard.press("End")
    assert read(page, "clip").startswith("epoch 8.")
    assert "Camera motion: –" in read(page, "clip")  # it has trained for three


def test_a_models_curves_are_those_of_its_card(visit: Visit) -> None:
    page = visit.open("/models/l2pa")
    plot = canvas(page, "model", "loss")
    plot.press("Home")
    for epoch in cards_of(visit)["l2pa"]["curves"]:
        parts = [
            f"{title}: accuracy {100 * epoch[f'{split}_accuracy']:.2f} %, "
            f"loss {epoch[f'{split}_loss']:.4f}"
            for title, split in (("training", "train"), ("validation", "val"))
        ]
        assert read(page, "model") == f"epoch {epoch['epoch']}. {'; '.join(parts)}"
        page.keyboard.press("ArrowRight")


def test_a_curve_is_hidden_and_shown_from_the_keyboard(visit: Visit) -> None:
    page = visit.open("/models")
    under = page.locator('[data-chart="image"] canvas').first
    until(lambda: drawn(under))
    whole = under.evaluate(PIXELS)
    button = page.get_by_role("button", name="CBAM", exact=True)
    button.press("Space")
    expect(button).to_have_attribute("aria-pressed", "false")
    until(lambda: under.evaluate(PIXELS) != whole)
    canvas(page, "image").press("Home")
    assert "Attention gates: " in read(page, "image")
    assert "CBAM" not in read(page, "image")
    button.press("Enter")
    expect(button).to_have_attribute("aria-pressed", "true")
    until(lambda: under.evaluate(PIXELS) == whole)


def test_zooming_in_and_out(visit: Visit) -> None:
    page = visit.open("/models")
    plot = canvas(page, "clip")
    plot.press("Home")
    page.keyboard.press("+")
    until(lambda: pressed(page, "End") < 8)
    page.keyboard.press("Escape")
    until(lambda: pressed(page, "End") == 8)
    box = plot.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 0.5 * box["width"], box["y"] + 100)
    page.mouse.down()
    page.mouse.move(box["x"] + 0.8 * box["width"], box["y"] + 100)
    page.mouse.up()
    plot.focus()
    until(lambda: pressed(page, "Home") > 3)
    plot.dblclick()
    until(lambda: pressed(page, "Home") == 1)


def pressed(page: Page, key: str) -> int:
    """The epoch that a key moves the reading of clips to."""
    page.keyboard.press(key)
    return int(read(page, "clip").split(".")[0].removeprefix("epoch "))


def drawn(under: Locator) -> bool:
    """Whether anything is on a canvas."""
    pixels = "canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data"
    return bool(under.evaluate(f"canvas => canvas.width > 0 && {pixels}.some(Boolean)"))


def test_a_models_page(visit: Visit) -> None:
    page = visit.open("/models/l2pa")
    card = httpx.get(f"{visit.address}/api/v1/models/l2pa").json()
    expect(page.locator("h1")).to_have_text(card["title"])
    expect(page.locator(".summary")).to_have_text(card["summary"])
    assert page.locator(".equation math").count() >= 2
    expect(page.get_by_role("link", name=card["paper"]["title"])).to_have_attribute(
        "href", card["paper"]["url"]
    )
    expect(page.locator(".model-score")).to_contain_text(
        f"{100 * card['metrics']['accuracy']:.2f} %"
    )
    expect(page.get_by_role("img", name="MobileNetV2 with taps")).to_be_attached()
    expect(page.get_by_role("img", name="Accuracy of training and validation")).to_be_visible()


def test_curves_answer_the_pointer(visit: Visit) -> None:
    page = visit.open("/models/l2pa")
    chart = page.locator('[data-chart="model"]')
    canvas(page, "model", "accuracy").hover()
    tip = chart.locator("[data-tip]")
    expect(tip).to_contain_text("epoch")
    expect(tip).to_contain_text("%")
    page.mouse.move(0, 0)
    expect(tip).to_be_hidden()


def test_a_word_explains_itself(visit: Visit) -> None:
    """On hover, and on focus from the keyboard; Escape takes the meaning away."""
    page = visit.open("/models")
    word = page.get_by_role("button", name="Grad‑CAM", exact=True)
    meaning = page.get_by_text("Evidence for one class")
    expect(meaning).to_be_hidden()
    word.hover()
    expect(meaning).to_be_visible()
    page.mouse.move(0, 0)
    expect(meaning).to_be_hidden()
    page.get_by_role("button", name="Mask", exact=True).focus()
    page.keyboard.press("Tab")
    expect(meaning).to_be_visible()
    page.keyboard.press("Escape")
    expect(meaning).to_be_hidden()


def test_scripts_count_few_as_the_server_does(visit: Visit) -> None:
    """`static/js/lib/shares.js` says what `app.core.shares` says."""
    page = visit.open("/models/l2pa")
    script = page.evaluate("""() => performance.getEntriesByType("resource")
      .find((one) => one.name.includes("/js/models/curves.js")).name""")
    cases = [(18 / 20, 20), (1.0, 3), (0.97472, 3791), (49 / 64, 64), (0.0, 7)]
    said = page.evaluate(
        "async ([path, cases]) => { const { shareWords } = await import(path);"
        " return cases.map(([share, count]) => shareWords(share, count)); }",
        [script.replace("models/curves.js", "lib/shares.js"), cases],
    )
    assert said == [share_words(*case) for case in cases]


@pytest.mark.parametrize("path", ["/models", "/models/l2pa"])
def test_the_pages_need_little(visit: Visit, path: str) -> None:
    page = visit.open(path)
    until(lambda: drawn(page.locator(".plot canvas").first))
    assert sum(page.evaluate(SIZES)) < MAX_SCRIPT_BYTES
    assert all(visit.address in url for url in visit.requests)
