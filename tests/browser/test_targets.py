"""The chooser of the explained class, with classes called `top`, `2` and `10`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Page, expect

from app.db import models
from app.db.engine import make_engine, make_sessions
from tests.support import clip_models as clips
from tests.support import named_classes as named
from tests.support.clip_pages import ready, written
from tests.support.pages import Visit, analysed
from tests.support.server_settings import settings_of

OTHER, OTHERS = "constructor", ("church", "tench")  # what every object of JavaScript has
LACKS = "does not know {}"


@pytest.fixture(scope="module")
def folder(server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Where the module's models are; the shared server has them for so long."""
    folder = tmp_path_factory.mktemp("named")
    made = [
        named.of_photos(folder, "own"),
        named.of_photos(folder, OTHER, OTHERS),
        named.of_clips(folder, "moves"),
        clips.checkpoint(folder, "boxes", "gated", "two_stream"),
    ]
    published = [
        named.publish(server, replace(entry, about={**entry.about, "default": False}))
        for entry in made
    ]
    yield folder
    engine = make_engine(settings_of(server))
    with make_sessions(engine).begin() as session:
        for model_id in published:
            models.withdraw(session, model_id)
    engine.dispose()


def choose(page: Page, label: str, name: str) -> None:
    page.get_by_label(label).fill(name)
    page.locator("#target-list").get_by_role("option", name=name, exact=True).click()


def evidence(page: Page, model: str) -> list[str]:
    """What stands over the evidence of a model, cell by cell."""
    cells = page.locator(f'[data-row="{model}"] [data-method="gradcam"] .words')
    return [text.strip() for text in cells.all_inner_texts()]


def test_every_class_of_a_photos_models_can_be_chosen(
    visit: Visit, server: str, folder: Path
) -> None:
    path = analysed(server, named.photo(folder), models=["own", OTHER], input_size=96)
    page = visit.show(path)
    posted: list[object] = []
    page.on("request", lambda r: r.method == "POST" and posted.append(r.post_data_json["target"]))
    page.get_by_label("Grad-CAM explains").click()
    notes = page.locator("#target-list .num").all_inner_texts()[1:6]
    assert all(note.endswith("%, 1 model") for note in notes), "no model knows the other's classes"
    for name in named.CLASSES:
        choose(page, "Grad-CAM explains", name)
        expect(page.locator('[data-row="own"] .is-target')).to_contain_text(name)
        expect(page.locator(f'[data-row="{OTHER}"] .lacking')).to_have_text(LACKS.format(name))
        expect(page.locator(".waiting")).to_have_count(0)
        assert evidence(page, OTHER) == 4 * [LACKS.format(name)]
        assert LACKS.format(name) not in evidence(page, "own")
    assert posted == ["0", "1", "10", "2", {"class": "top"}]
    page.wait_for_url("**named=1*")
    expect(page.get_by_label("Grad-CAM explains")).to_have_value("top")
    link = page.url.removeprefix(server)
    visit.show(link)  # as somebody else opens it
    expect(page.get_by_label("Grad-CAM explains")).to_have_value("top")
    expect(page.locator('[data-row="own"] .is-target')).to_contain_text("top")
    assert evidence(page, OTHER) == 4 * [LACKS.format("top")]
    page.locator(f'[data-chip="{OTHER}"]').click()
    expect(page.locator("[data-lead-note]")).to_have_text("Constructor does not know top.")
    visit.show(f"{path}?target=top")  # a link of an earlier version: each model's own
    expect(page.get_by_label("Grad-CAM explains")).to_have_value("Each model’s own top class")
    assert evidence(page, OTHER) != 4 * [LACKS.format("top")]


def test_an_analysis_of_such_a_class_says_so_everywhere(
    visit: Visit, server: str, folder: Path
) -> None:
    path = analysed(
        server, named.photo(folder), models=["own", OTHER], input_size=96, target={"class": "top"}
    )
    page = visit.show(path)
    expect(page.get_by_label("Grad-CAM explains")).to_have_value("top")
    assert evidence(page, OTHER) == 4 * [LACKS.format("top")]
    page.locator(f'[data-row="{OTHER}"] [data-method="gradcam"]').first.click()
    expect(page.locator("[data-big-meaning]")).to_have_text("does not know top")
    expect(page.locator("[data-big-npy]")).to_be_hidden()
    page.keyboard.press("Escape")
    choose(page, "Grad-CAM explains", "church")
    expect(page.locator('[data-row="own"] .lacking')).to_have_text(LACKS.format("church"))
    expect(page.locator(".waiting")).to_have_count(0)
    assert evidence(page, "own") == 4 * [LACKS.format("church")]
    assert LACKS.format("church") not in evidence(page, OTHER)
    page.get_by_text("Download").click()
    page.get_by_role("button", name="Make them for “church”").click()
    page.wait_for_url(lambda url: path not in url)
    visit.complete()
    assert evidence(page, "own") == 4 * [LACKS.format("church")]


def test_a_clips_class_is_chosen_the_same_way(visit: Visit, server: str, folder: Path) -> None:
    path = analysed(
        server, written(folder, 3), models=["moves", "boxes"], target={"class": "top"}, segments=2,
        input_size=96,
    )  # fmt: skip
    page = ready(visit, path)
    expect(page.get_by_label("Explained class")).to_have_value("top")
    expect(page.locator("[data-share-sum]")).to_contain_text("the logit of “top” in moves")
    assert evidence(page, "boxes") == 8 * [LACKS.format("top")]
    page.locator('[data-chip="boxes"]').click()
    expect(page.locator("[data-share-sum]")).to_have_text("boxes does not know top.")
    expect(page.locator('[data-pane="rgb"] .words')).to_have_text(LACKS.format("top"))
    choose(page, "Explained class", "2")
    page.wait_for_url(lambda url: path not in url)
    asked = httpx.get(f"{server}/api/v1/analyses/{page.url[-32:]}").json()
    assert asked["request"]["target"] == "2"
