"""Training from the page: data in, networks watched, masks by epoch, rows of the table out."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from tests.support.pages import PIXELS, Visit, agree, overflows, serious, until
from tests.support.signing_in import sign_in
from tests.support.studies import LONG, MINUTES, TINY, admin, dataset_of, fill, only, rows, tiles

pytestmark = pytest.mark.xdist_group("browser: training")


def masks(page: Page) -> list[str]:
    """What the canvases of the grid show now."""
    shown = page.locator(".probe-cell canvas:not([hidden])").all()
    return [canvas.evaluate(PIXELS) for canvas in shown]


def publish_two(visit: Visit, page: Page) -> None:
    """Publish the gates under the name offered and CBAM under one of its own."""
    for title in ("Attention gates", "CBAM"):
        page.get_by_role("button", name=f"Publish {title}", exact=True).click()
        ask = page.get_by_role("dialog", name="Publish this network")
        if title == "CBAM":  # under a name of its own; one that is taken is refused first
            ask.get_by_label("Id, in addresses").fill("cbam")
            ask.get_by_role("button", name="Publish", exact=True).click()
            expect(ask.get_by_role("alert")).to_contain_text("called cbam already")
            assert "409" in visit.complaints.pop()  # the browser's own line about the refusal
            ask.get_by_label("Id, in addresses").fill("cbam-tiles")
            ask.get_by_label("Title in the table").fill("CBAM on tiles")
        ask.get_by_role("button", name="Publish", exact=True).click()
        expect(page.get_by_role("button", name=f"Unpublish {title}")).to_be_visible()


def test_from_a_zip_to_rows_of_the_table(visit: Visit, tmp_path: Path) -> None:
    """The main job: bring images, train networks, watch, look at the masks, publish."""
    archive = tmp_path / "little tiles.zip"
    archive.write_bytes(tiles())
    page = sign_in(visit).open("/datasets")
    page.locator("[data-pick]").first.set_input_files(archive)
    page.get_by_role("button", name="Make the dataset").click(timeout=60_000)
    with admin(visit.address) as api:
        dataset = dataset_of(api, "little tiles")
    expect(page.get_by_text(re.compile("images for training"))).to_be_visible()

    visit.open(f"/training/new?dataset={dataset}")
    expect(page.get_by_label("Images or clips", exact=True)).to_have_value(dataset)
    fill(page, TINY)
    expect(page.locator('[name="mechanism"]:checked')).to_have_count(6)
    only(page, "gated", "cbam")
    page.get_by_role("button", name="Start the study").click()
    page.wait_for_url(re.compile(r"/training/[0-9a-f]{32}"))

    expect(rows(page)).to_have_count(2)
    plot = page.locator("[data-plot=loss] canvas").first
    empty = plot.evaluate(PIXELS)
    until(lambda: plot.evaluate(PIXELS) != empty, 120)  # the curves grow
    expect(page.locator("[data-runs] .state.succeeded")).to_have_count(2, timeout=LONG)
    expect(page.locator("[data-state]")).to_have_text("all 2 finished")

    slider = page.get_by_label(re.compile("^Epoch"))
    expect(slider).to_have_attribute("max", "2")
    expect(page.locator(".probe-cell canvas:not([hidden])").first).to_be_visible()
    last = masks(page)
    assert len(last) >= 3  # two probes, two networks with masks, some of which may be flat
    slider.press("ArrowLeft")
    expect(page.locator("[data-epoch-now]")).to_have_text("1")
    expect(page).to_have_url(re.compile("epoch=1"))
    until(lambda: len(masks(page)) >= 3 and masks(page) != last)

    publish_two(visit, page)
    names = [
        str(link.get_attribute("href")).rpartition("/")[2]
        for link in page.get_by_role("link", name="In the table").all()
    ]
    assert len(names) == 2
    assert names[1] == "cbam-tiles"
    with admin(visit.address) as api:
        for name in names:
            api.post(f"/models/{name}/default", json={"default": True}).raise_for_status()
    visit.upload()
    expect(page.locator('.row[data-row="cbam-tiles"]')).to_contain_text("CBAM on tiles")
    for name in names:
        expect(page.locator(f'.row[data-row="{name}"]')).to_be_visible()
    expect(page.locator(".row:not(.head)")).to_have_count(9)
    with admin(visit.address) as api:  # the other tests count seven rows
        for run in api.get("/training-runs").json()["items"]:
            if run["model_id"]:
                api.post(f"/training-runs/{run['id']}/unpublish").raise_for_status()


def test_nobody_sees_it_without_signing_in(visit: Visit) -> None:
    for path in ("/training", "/training/new"):
        page = visit.open(path)
        expect(page).to_have_url(re.compile("/sign-in"))


@pytest.mark.parametrize("part", ["", "/new", "study"])
def test_pages_are_accessible(any_visit: Visit, study: Any, part: str) -> None:
    path = f"/training/{study['id']}" if part == "study" else f"/training{part}"
    page = sign_in(any_visit).open(path)
    if part == "study":
        expect(rows(page)).to_have_count(2)
        page.locator("[data-mistakes]").scroll_into_view_if_needed()
        page.locator("[data-confusion] button").first.wait_for()
    elif part == "/new":
        page.locator(".thumb").first.wait_for()
    else:
        page.get_by_role("link", name="Two of them").wait_for()
    assert serious(page) == []
    assert overflows(page) == 0


def test_one_press_starts_all_networks(visit: Visit, study: Any) -> None:
    page = sign_in(visit).open("/training")
    button = page.get_by_role("button", name="Reproduce the study")
    expect(button).to_be_enabled()
    page.get_by_label("Images or clips", exact=True).select_option(study["dataset"]["id"])
    button.click()
    page.wait_for_url(re.compile(r"/training/[0-9a-f]{32}"))
    expect(rows(page)).to_have_count(6)
    with admin(visit.address) as api:
        begun = api.get(f"/studies/{page.url.rpartition('/')[2][:32]}").json()
        assert begun["request"] == {"dataset_id": study["dataset"]["id"]}
        waiting = [run for run in begun["runs"] if run["state"] == "queued"]
        visit.open("/training")
        last = page.locator(".queue-row.queued").last
        expect(last).to_contain_text(waiting[-1]["title"])
        last.get_by_role("button", name="up").press("Enter")
        expect(page.locator(".queue-row.queued").last).to_contain_text(waiting[-2]["title"])
        page.locator(".queue-row.queued").last.get_by_role("button", name="Remove").click()
        agree(page, "Remove")
        removed = page.locator(".queue-row", has_text=waiting[-2]["title"])
        expect(removed).to_have_count(0)
        visit.open(f"/training/{begun['id']}")
        page.get_by_role("button", name="Cancel all").click()
        agree(page, "Cancel all")
        expect(page.locator("[data-state]")).not_to_contain_text(
            re.compile("running|waiting"), timeout=MINUTES
        )
        states = {run["state"] for run in api.get(f"/studies/{begun['id']}").json()["runs"]}
        assert states <= {"cancelled", "succeeded"}
        assert "cancelled" in states


def test_the_form_sends_what_was_touched_and_errors_stand_beside_fields(
    visit: Visit, study: Any
) -> None:
    page = sign_in(visit).open(f"/training/new?dataset={study['dataset']['id']}")
    page.locator(".thumb").first.wait_for()
    page.get_by_label("Epochs", exact=True).fill("0")
    page.get_by_label("Seeds").fill("one")
    page.get_by_role("button", name="Start the study").click()
    for name in ("epochs", "seeds"):
        expect(page.locator(f'[data-field="{name}"] [data-error]')).to_be_visible()
    page.get_by_label("Epochs", exact=True).fill("3")
    page.get_by_label("Seeds").fill("0, 1")
    only(page, "plain")
    page.locator(".thumb input").nth(1).check()
    sent: list[Any] = []

    def stop(route: Route) -> None:
        sent.append(route.request.post_data_json)
        route.abort()

    page.route("**/api/v1/training-runs", stop)
    page.get_by_role("button", name="Start the study").click()
    expect(page.get_by_role("alert")).to_be_visible()
    assert sent[0]["config"] == {"epochs": 3}
    assert sent[0]["seeds"] == [0, 1]
    assert sent[0]["mechanisms"] == ["plain"]
    assert len(sent[0]["probes"]) == 1
    visit.complaints.clear()  # the browser notes the request that was stopped


def test_a_cell_of_the_matrix_opens_its_images(visit: Visit, study: Any) -> None:
    page = sign_in(visit).open(f"/training/{study['id']}")
    expect(rows(page)).to_have_count(2)
    page.locator("[data-mistakes]").scroll_into_view_if_needed()
    full = page.locator("[data-confusion] td:not(.zero) button").first
    images = int(full.inner_text())
    full.focus()
    page.keyboard.press("Enter")
    expect(page.locator("[data-images-list] img")).to_have_count(images)
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)


def test_runs_answer_each_probe_and_mistakes_show_both_classes(visit: Visit, study: Any) -> None:
    page = sign_in(visit).open(f"/training/{study['id']}")
    expect(rows(page).first).to_contain_text(re.compile(r"\d of \d \(\d+ to \d+ %\)"))
    answers = page.locator(".probe-cell .answer")
    expect(answers).to_have_count(4)
    expect(answers.first).to_have_text(re.compile(r"[✓✗] \d+ % (lying|standing)"))
    # the first network learns no mask, and shows its Grad-CAM
    expect(page.locator(".probe-head").first).to_contain_text("no mask: Grad-CAM")
    page.locator("[data-mistakes]").scroll_into_view_if_needed()
    for run in study["runs"]:
        page.locator("[data-mistakes-run]").select_option(run["id"])
        mistakes = page.locator("[data-worst] li")
        expect(mistakes).to_have_count(len(run["worst"]))
        for mark in "✗✓":
            tiles = mistakes.locator("figcaption", has_text=mark)
            expect(tiles).to_have_count(len(run["worst"]))


def test_what_is_shown_lives_in_the_address(visit: Visit, study: Any) -> None:
    page = sign_in(visit).open(f"/training/{study['id']}")
    expect(rows(page)).to_have_count(2)
    page.locator('[data-series="plain"]').click()
    page.get_by_label("Log loss").check()
    page.get_by_label("Smoothing").fill("50")
    page.get_by_role("radio", name="Grad-CAM").check()
    expect(page).to_have_url(re.compile(r"log=1.*smooth=50.*hidden=plain.*method=gradcam"))
    page.reload()
    expect(page.locator('[data-series="plain"]')).to_have_attribute("aria-pressed", "false")
    expect(page.get_by_label("Log loss")).to_be_checked()
    expect(page.get_by_role("radio", name="Grad-CAM")).to_be_checked()


def test_downloads_of_the_chart(visit: Visit, study: Any) -> None:
    page = sign_in(visit).open(f"/training/{study['id']}")
    expect(rows(page)).to_have_count(2)
    with page.expect_download() as kept:
        page.get_by_role("button", name="CSV").click()
    lines = Path(kept.value.path()).read_text().splitlines()
    assert lines[0].startswith("run,network,seed,step,")
    assert len(lines) == 1 + sum(run["steps"] for run in study["runs"])
    with page.expect_download() as kept:
        page.get_by_role("button", name="SVG").click()
    drawn = Path(kept.value.path()).read_text()
    assert drawn.startswith("<svg")
    assert drawn.count("<polyline") > 8
