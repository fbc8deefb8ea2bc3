"""An admin's hands on a study: hold, go on, stop, try again, reorder, measure, import."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import expect

from tests.support.pages import Visit, agree, until
from tests.support.signing_in import sign_in
from tests.support.studies import MINUTES, SMALL, TINY, admin, fill, only, rows

pytestmark = pytest.mark.xdist_group("browser: training")
LONG_RUN = {**SMALL, "epochs": 1000}


@pytest.fixture(autouse=True)
def nothing_goes_on(server: str) -> Iterator[None]:
    """What a failed test leaves running would hold up the next."""
    yield
    with admin(server) as api:
        for run in api.get("/training-runs?queue=true").json()["items"]:
            api.post(f"/training-runs/{run['id']}/cancel")


def test_pause_resume_cancel_and_retry(visit: Visit, study: Any) -> None:
    with admin(visit.address) as api:
        asked = {"dataset_id": study["dataset"]["id"], "mechanisms": ["plain", "cbam", "gated"]}
        begun = api.post("/training-runs", json={**asked, "config": LONG_RUN}).json()
        page = sign_in(visit).open(f"/training/{begun['id']}")
        row = rows(page).first
        state = row.locator(".state")
        expect(state).to_have_text("running", timeout=2 * MINUTES)
        row.get_by_role("button", name="Pause").click()
        expect(state).to_have_text("paused")
        step = until(lambda: api.get(f"/training-runs/{begun['runs'][0]['id']}").json())["step"]
        expect(rows(page).nth(1).locator(".state")).to_have_text("running", timeout=MINUTES)

        _drag_the_last_waiting_first(visit, study["dataset"]["id"])
        visit.open(f"/training/{begun['id']}")
        row.get_by_role("button", name="Resume").click()
        expect(state).to_have_text("waiting")
        rows(page).nth(1).get_by_role("button", name="Cancel").click()
        agree(page, "Cancel it")
        expect(rows(page).nth(1).locator(".state")).to_have_text("cancelled")
        rows(page).nth(1).get_by_role("button", name="Retry").click()
        expect(rows(page).nth(1).locator(".state")).to_have_text(re.compile("waiting|running"))
        page.get_by_role("button", name="Cancel all").click()
        agree(page, "Cancel all")
        for one in range(3):
            expect(rows(page).nth(one).locator(".state")).to_have_text("cancelled")
        runs = api.get(f"/studies/{begun['id']}").json()["runs"]
        assert runs[0]["step"] >= step  # what was done before the pause is kept


def _drag_the_last_waiting_first(visit: Visit, dataset: str) -> None:
    """Two more runs wait; the pointer takes the last one to the front."""
    with admin(visit.address) as api:
        asked = {"dataset_id": dataset, "mechanisms": ["l2pa", "residual"], "config": LONG_RUN}
        more = api.post("/training-runs", json=asked).json()
        page = visit.open("/training")
        waiting = page.locator(".queue-row.queued")
        until(lambda: waiting.count() >= 3)
        last, first = waiting.last, waiting.first
        title = str(last.locator("strong").text_content())
        assert first.locator("strong").text_content() != title
        grip, top = last.locator("[data-grip]").bounding_box(), first.bounding_box()
        assert grip
        assert top
        page.mouse.move(grip["x"] + 4, grip["y"] + 4)
        page.mouse.down()
        page.mouse.move(grip["x"] + 4, top["y"] + 2, steps=8)
        page.mouse.up()
        expect(waiting.first.locator("strong")).to_have_text(title)
        until(lambda: _next_waiting(api) == title, 20)
        for run in more["runs"]:
            api.post(f"/training-runs/{run['id']}/cancel").raise_for_status()


def _next_waiting(api: httpx.Client) -> str:
    queue = api.get("/training-runs?queue=true").json()["items"]
    return str(next(run for run in queue if run["state"] == "queued")["title"])


def test_what_it_will_cost_and_a_learning_rate(visit: Visit, study: Any) -> None:
    page = sign_in(visit).open(f"/training/new?dataset={study['dataset']['id']}")
    page.locator(".thumb").first.wait_for()
    only(page, "plain")
    fill(page, TINY)
    page.get_by_role("button", name="Measure time and disk").click()
    expect(page.locator("[data-estimate]")).to_contain_text("about", timeout=3 * MINUTES)
    expect(page.locator("[data-estimate-words]")).to_contain_text("Measured on this server")
    page.get_by_role("button", name="Find a learning rate").click()
    words = page.locator("[data-range-words]")
    expect(words).to_contain_text(re.compile("falls best|keep the default"), timeout=3 * MINUTES)
    expect(page.locator("[data-range-plot] canvas").first).to_be_visible()


def test_epochs_play_and_a_model_is_imported(visit: Visit, study: Any, tmp_path: Path) -> None:
    page = sign_in(visit).open(f"/training/{study['id']}?epoch=1")
    expect(rows(page)).to_have_count(2)
    expect(page.locator("[data-epoch-now]")).to_have_text("1")
    page.get_by_role("button", name="Play").click()
    expect(page.locator("[data-epoch-now]")).to_have_text("2")
    files = {}
    for name, word in (("checkpoint", "Checkpoint"), ("card", "Model card")):
        with page.expect_download() as kept:
            rows(page).nth(1).get_by_role("link", name=word).click()
        files[name] = tmp_path / kept.value.suggested_filename
        kept.value.save_as(files[name])
    page = visit.open("/training")
    for name, file in files.items():
        page.locator(f'input[name="{name}"]').set_input_files(file)
    page.get_by_role("button", name="Import", exact=True).click()
    words = page.locator("[data-import-words]")
    expect(words).to_contain_text("Imported", timeout=2 * MINUTES)
    model = str(words.get_by_role("link").get_attribute("href")).rpartition("/")[2]
    expect(visit.open("/models").get_by_role("link", name="Attention gates").first).to_be_visible()
    visit.open(f"/models/{model}")
    title = page.get_by_role("heading", level=1)
    expect(title).to_have_text(re.compile(r"Attention gates, stripes, \d+ [A-Z][a-z]{2} \d{4}"))
    assert httpx.get(f"{visit.address}/api/v1/models/{model}").status_code == 404
    page.get_by_role("button", name="Publish…").click()
    ask = page.get_by_role("dialog", name="Publish this network")
    ask.get_by_label("Title in the table").fill("Gates from afar")
    ask.get_by_role("button", name="Publish", exact=True).click()
    expect(title).to_have_text("Gates from afar")
    assert httpx.get(f"{visit.address}/api/v1/models/{model}").status_code == 200
    page.get_by_role("button", name="Remove…").click()
    agree(page, "Remove")
    page.wait_for_url("**/models")
    expect(page.get_by_role("link", name="Gates from afar")).to_have_count(0)
