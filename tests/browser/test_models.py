"""The pages about the models."""

from __future__ import annotations

import httpx
from playwright.sync_api import expect

from tests.support.pages import Visit


def test_list_and_comparison(visit: Visit) -> None:
    page = visit.open("/models")
    cards = httpx.get(f"{visit.address}/api/v1/models").json()["items"]
    expect(page.locator("tbody tr:not(.group)")).to_have_count(len(cards))
    expect(page.locator("tbody .group")).to_have_text(["For photos", "For clips"])
    trained = [card for card in cards if card["curves"]]
    expect(page.locator(".chart .scatterlayer .trace")).to_have_count(len(trained))
    page.get_by_role("radio", name="Training loss").check()
    titles = [f"Training loss by epoch, models of {what}" for what in ("photos", "clips")]
    expect(page.locator(".chart .gtitle")).to_have_text(titles)


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
    expect(page.locator(".chart .main-svg").first).to_be_visible()


def test_curves_answer_the_pointer(visit: Visit) -> None:
    page = visit.open("/models/l2pa")
    chart = page.locator('[data-chart="accuracy"]')
    chart.locator(".main-svg").first.wait_for()
    chart.hover()
    expect(chart.locator(".hoverlayer")).to_contain_text("%")
