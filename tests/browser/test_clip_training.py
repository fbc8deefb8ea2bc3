"""A study on clips, from the page: a ZIP in, two streams watched, a row of the table out."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.support.archives import zip_of
from tests.support.clip_archives import clip_bytes, clip_classes
from tests.support.pages import Visit, overflows, serious
from tests.support.signing_in import sign_in
from tests.support.studies import LONG, admin, dataset_of, fill, only, rows

pytestmark = pytest.mark.xdist_group("browser: training")
SETTINGS = {
    "Epochs": "1",
    "Training size": "64",
    "Validation size": "64",
    "Batch size": "4",
    "Segments": "2",
    "Segments when testing": "2",
    "Snippets kept": "2",
    "Flow fields": "5",
}


def test_from_a_zip_of_clips_to_a_row_of_the_table(visit: Visit, tmp_path: Path) -> None:
    archive = tmp_path / "moves.zip"
    archive.write_bytes(zip_of(clip_classes(5, frames=14)))
    page = sign_in(visit).open("/datasets")
    page.locator("[data-pick]").first.set_input_files(archive)
    page.get_by_role("button", name="Make the dataset").click(timeout=60_000)
    with admin(visit.address) as api:
        dataset = dataset_of(api, "moves")
    expect(page.get_by_text(re.compile("clips for training"))).to_be_visible()

    visit.open(f"/training/new?dataset={dataset}")
    page.locator(".thumb img").first.wait_for()  # the clips' middle frames
    expect(page.get_by_label("Over time", exact=True)).to_be_visible()
    only(page, "gated")
    page.get_by_label("Starting weights", exact=True).select_option("scratch")
    fill(page, SETTINGS)
    assert serious(page) == []
    assert overflows(page) == 0
    page.get_by_role("button", name="Start the study").click()
    page.wait_for_url(re.compile(r"/training/[0-9a-f]{32}"))
    expect(rows(page).locator(".state.succeeded")).to_have_count(1, timeout=LONG)
    page.get_by_role("radio", name="Learnt mask, motion").check()
    page.get_by_role("radio", name="Early").check()  # after one epoch the late mask may be flat
    expect(page.locator(".probe-cell canvas:not([hidden])").first).to_be_visible()
    page.get_by_role("button", name="Publish Attention gates").click()
    page.get_by_role("dialog").get_by_role("button", name="Publish", exact=True).click()
    model = page.get_by_role("link", name="In the table").get_attribute("href") or ""

    with admin(visit.address) as api:
        usual = {"default": True}
        api.post(f"{model}/default", json=usual).raise_for_status()

    clip = tmp_path / "moving.mp4"
    clip.write_bytes(clip_bytes(77, (3, 0)))
    visit.open().locator("[data-pick]").first.set_input_files(clip)
    page.wait_for_url("**/analyses/*")
    row = page.locator(f'[data-row="{model.rpartition("/")[2]}"]').first
    expect(row).to_contain_text(re.compile("left|right"), timeout=LONG)
    with admin(visit.address) as api:  # the other tests count the rows
        for run in api.get("/training-runs").json()["items"]:
            if run["model_id"]:
                api.post(f"/training-runs/{run['id']}/unpublish").raise_for_status()
