"""Small datasets and studies for the tests of pages."""

from __future__ import annotations

import io
import zipfile
from typing import Any

import httpx
import numpy as np
import pytest
from playwright.sync_api import Page

from app.web.http.identity import SESSION_COOKIE
from tests.support.encoding import encode
from tests.support.pages import until
from tests.support.server_settings import settings_of
from tests.support.signing_in import open_session

MINUTES = 60_000  # ms
LONG = 6 * MINUTES  # six small runs on a busy machine
SMALL = {"epochs": 2, "size": 32, "eval_size": 64, "batch_size": 8}  # maps of 8 to 2 cells

TINY = {"Epochs": "2", "Training size": "32", "Validation size": "64", "Batch size": "8"}


def fill(page: Page, settings: dict[str, str]) -> None:
    """Fill the form's fields with these labels."""
    for label, value in settings.items():
        page.get_by_label(label, exact=True).fill(value)


def only(page: Page, *mechanisms: str) -> None:
    """Check only these networks on the form."""
    for box in page.locator('[name="mechanism"]').all():
        box.set_checked(box.get_attribute("value") in mechanisms)


def tiles(images: int = 12) -> bytes:
    """A ZIP of two classes of different small pictures: horizontal and vertical stripes."""
    random = np.random.default_rng(7)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name in ("lying", "standing"):
            for number in range(images):
                wave = np.sin(np.arange(72) * random.uniform(0.3, 0.9)) * 90 + 128
                field = np.tile(wave, (72, 1))
                field = field if name == "standing" else field.T
                noisy = field[..., None] + random.normal(0, 12, (72, 72, 3))
                picture = encode(np.clip(noisy, 0, 255).astype(np.uint8))
                archive.writestr(f"{name}/{number}.jpg", picture)
    return packed.getvalue()


def admin(server: str) -> httpx.Client:
    """An API client that is signed in as the admin."""
    cookies = {SESSION_COOKIE: open_session(settings_of(server))}
    return httpx.Client(base_url=f"{server}/api/v1", cookies=cookies, timeout=60)


def dataset_of(api: httpx.Client, name: str) -> str:
    """Wait for the import of the dataset of this name; return its id."""

    def ready() -> str | None:
        items = api.get("/datasets").raise_for_status().json()["items"]
        dataset = next((item for item in items if item["name"] == name), {"state": "missing"})
        assert dataset["state"] != "failed", dataset["detail"]
        return dataset["id"] if dataset["state"] == "succeeded" else None

    return str(until(ready, 240))


@pytest.fixture(scope="session")
def study(server: str) -> Any:
    """A finished study of two networks, as JSON."""
    with admin(server) as api:
        files = {"file": ("stripes.zip", tiles())}
        api.post("/datasets", files=files, data={"name": "stripes"}).raise_for_status()
        body = {
            "dataset_id": dataset_of(api, "stripes"),
            "name": "Two of them",
            "mechanisms": ["plain", "gated"],
            "config": SMALL,
        }
        until(lambda: api.get("/training-form").status_code == 200, 120)
        address = api.post("/training-runs", json=body).raise_for_status().json()["links"]["self"]

        def done() -> Any:
            study = api.get(server + address).json()
            states = {run["state"] for run in study["runs"]}
            assert not states & {"failed", "cancelled"}, study["runs"]
            return study if states == {"succeeded"} else None

        return until(done, 360)


def rows(page: Page) -> Any:
    """The rows of a study's runs."""
    return page.locator("[data-runs] tr[data-run]")
