"""What a person takes home."""

from __future__ import annotations

import io
import json
import zipfile

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import expect

from tests.support.pages import EXAMPLES, Visit, analysed

pytestmark = pytest.mark.xdist_group("browser: a photo")
STARTS = {"PNG": b"\x89PNG", "SVG": b"<?xml", "PDF": b"%PDF"}


@pytest.fixture(scope="module")
def row(server: str) -> str:
    """Path of a page: the golf ball, explained by one model; its figure is quickly drawn."""
    return analysed(server, EXAMPLES / "golf-ball.jpg", models=["gated"])


def download(visit: Visit, name: str) -> bytes:
    page = visit.page
    if not page.locator("[data-menu][open]").count():
        page.get_by_text("Download", exact=True).click()
    with page.expect_download(timeout=60_000) as started:
        page.get_by_role("link", name=name).click()
    return started.value.path().read_bytes()


def test_figure(visit: Visit, row: str) -> None:
    visit.show(row)
    pictures = {name: download(visit, name) for name in STARTS}
    assert all(pictures[name].startswith(start) for name, start in STARTS.items())
    assert Image.open(io.BytesIO(pictures["PNG"])).width > 1000


def test_figure_follows_the_view(visit: Visit, row: str) -> None:
    page = visit.show(row)
    plain = download(visit, "PNG")
    page.get_by_label("Colours").select_option("viridis")
    assert download(visit, "PNG") != plain


def test_arrays(visit: Visit, photo: str) -> None:
    visit.show(photo)
    arrays = np.load(io.BytesIO(download(visit, "NPZ")))
    assert arrays["l2pa/medium/attention"].shape == (14, 19)
    assert float(arrays["l2pa/medium/attention"].astype(float).sum()) == pytest.approx(1, abs=0.01)


def test_everything(visit: Visit, photo: str) -> None:
    visit.show(photo)
    archive = zipfile.ZipFile(io.BytesIO(download(visit, "ZIP")))
    assert archive.testzip() is None
    assert {"maps.npz", "manifest.json", "request.json", "numbers.csv"} <= set(archive.namelist())
    assert json.loads(archive.read("request.json"))["models"][0] == "plain-imagenet"


def test_one_map(visit: Visit, photo: str) -> None:
    page = visit.show(photo)
    page.locator('.cell[data-model="gated"][data-stage="late"][data-method="gradcam"]').click()
    with page.expect_download() as started:
        page.get_by_role("link", name="This map as NPY").click()
    assert np.load(started.value.path()).shape == (7, 10)
    with page.expect_download() as started:
        page.get_by_role("link", name="drawn as PNG").click()
    assert max(Image.open(started.value.path()).size) == 896


def test_figures_of_another_target_are_another_analysis(visit: Visit, photo: str) -> None:
    page = visit.show(photo)
    page.get_by_label("Grad-CAM explains").fill("church")
    page.keyboard.press("Enter")
    expect(page.locator(".is-target")).to_have_count(7)
    page.get_by_text("Download", exact=True).click()
    page.get_by_role("button", name="Make them for “church”").click()
    page.wait_for_url(lambda url: "cam=" not in url)
    visit.complete()
    expect(page.get_by_label("Grad-CAM explains")).to_have_value("church")
    expect(page.locator(".is-target")).to_have_count(7)
