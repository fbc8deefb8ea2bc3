"""Bringing a dataset and looking at it, as an admin does."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from app.core.settings import Settings
from tests.browser.test_several import drop
from tests.support.archives import classes, picture, zip_of
from tests.support.import_worker import importing
from tests.support.pages import WIDE, WINDOWS, Visit, Windows, overflows, serious, until
from tests.support.signing_in import sign_in, signed_in
from tests.support.web import Api, running


@pytest.fixture(scope="module")
def imports(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """A server with a folder to use, and a worker that imports."""
    root = tmp_path_factory.mktemp("data")
    for name, data in classes("ant", "bee", count=30, top="insects/").items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(data)
    settings = Settings(home=tmp_path_factory.mktemp("home"), min_free_bytes=0, data=root)
    with running(settings) as api, importing(settings):
        yield api


@pytest.fixture
def admin(windows: Windows, imports: Api) -> Iterator[Visit]:
    """An admin with a wide window."""
    for visit in windows.visiting(imports.url, WIDE, "light"):
        yield sign_in(visit)


@pytest.fixture(params=WINDOWS, ids=str)
def any_admin(request: pytest.FixtureRequest, windows: Windows, imports: Api) -> Iterator[Visit]:
    """Admins with a wide window by day and with a phone by night."""
    for visit in windows.visiting(imports.url, *request.param):
        yield sign_in(visit)


@pytest.fixture
def pets(tmp_path: Path) -> Path:
    """An archive with something of everything."""
    path = tmp_path / "pets.zip"
    path.write_bytes(zip_of(_pets()))
    return path


def _pets() -> dict[str, bytes]:
    files = classes("кошка", "dog", count=12)
    files["dog/cut.jpg"] = picture(1)[:300]
    files["dog/copy.jpg"] = files["dog/1.jpg"]
    files["notes.txt"] = b"notes"
    return files


def test_an_archive_in_a_contact_sheet_out(admin: Visit, pets: Path) -> None:
    page = admin.open("/datasets")
    page.get_by_text("Name and split").click()
    page.get_by_label("To validate").fill("25")
    page.get_by_label("Name", exact=True).fill("House pets")
    page.locator("[data-pick]").set_input_files(pets)
    page.wait_for_url("**/datasets/*")
    expect(page.get_by_role("heading", level=1)).to_have_text("House pets")
    plan = page.locator(".plan")
    expect(plan).to_contain_text("2 classes: 19 images for training, 6 for validation")
    page.get_by_label("Class of кошка").fill("кот")
    page.get_by_role("button", name="Make the dataset").click()
    rows = page.locator(".class-row")
    expect(rows).to_have_count(2)
    expect(rows.first).to_contain_text("10 train")
    expect(rows.first).to_contain_text("3 validation")
    expect(rows.last).to_contain_text("кот")
    loaded = "[...document.querySelectorAll('.thumb img')].filter(i => i.naturalWidth).length"
    until(lambda: page.evaluate(f"{loaded} === 19"))
    report = page.locator(".report")
    for words in ("dog/cut.jpg", "cut off", "dog/copy.jpg", "notes.txt", "25 % for validation"):
        expect(report).to_contain_text(words)
    link = page.get_by_role("link", name="Train on it")
    dataset_id = page.url.rsplit("/", 1)[-1]
    expect(link).to_have_attribute("href", f"/training/new?dataset={dataset_id}")


def test_two_archives_at_once_are_refused_in_words(admin: Visit) -> None:
    page = admin.open("/datasets")
    drop(page, {"a.zip": b"PK", "b.zip": b"PK"})
    expect(page.get_by_role("alert")).to_contain_text("A dataset comes as one file")


def test_what_was_understood_is_changed(admin: Visit, tmp_path: Path) -> None:
    files = {**classes("cat", "dog", count=5, top="train/"), **classes("docs", count=2, seed=77)}
    files["train/dog/wrong.jpg"] = files["train/cat/0.jpg"]
    path = tmp_path / "animals.zip"
    path.write_bytes(zip_of(files))
    page = admin.open("/datasets")
    page.locator("[data-pick]").set_input_files(path)
    page.wait_for_url("**/datasets/*")
    twins = page.get_by_role("group", name="Conflict 1: cat or dog?")
    expect(twins).to_be_visible(timeout=60_000)
    shown = "images => images.filter(image => image.naturalWidth === 48).length"
    until(lambda: twins.locator("img").evaluate_all(shown) == 2)
    twins.get_by_label("It is dog").check()
    page.get_by_label("What train/ is used for").select_option("training")
    page.get_by_role("button", name="Make the dataset").click()
    expect(page.get_by_role("alert")).to_contain_text("left to validate on")
    page.get_by_label("Class of docs").fill("cat")
    page.get_by_label("What docs is used for").select_option("validation")
    page.get_by_role("button", name="Make the dataset").click()
    rows = page.locator(".class-row")
    expect(rows.first).to_contain_text("4 train")
    expect(rows.first).to_contain_text("2 validation")
    expect(rows.last).to_contain_text("6 train")
    assert all("Failed to load resource" in complaint for complaint in admin.complaints)
    admin.complaints.clear()


def test_looking_at_images_with_the_keyboard(admin: Visit, imports: Api) -> None:
    page = admin.open(_folder(imports))
    page.get_by_role("radio", name="Validation").check()
    thumb = page.get_by_role("button", name="bee, image 2")
    thumb.focus()
    page.keyboard.press("Enter")
    viewer = page.get_by_role("dialog", name="Image")
    expect(viewer).to_contain_text("bee")
    expect(viewer).to_contain_text("2 of 6 for validation")
    page.keyboard.press("ArrowRight")
    expect(viewer).to_contain_text("3 of 6")
    until(lambda: page.evaluate("document.querySelector('[data-viewer-image]').naturalWidth") == 48)
    page.keyboard.press("Escape")
    expect(viewer).to_be_hidden()
    expect(thumb).to_be_focused()


def test_more_images_of_a_class(admin: Visit, imports: Api) -> None:
    page = admin.open(_folder(imports))
    page.get_by_role("button", name="More images of ant").click()
    ants = page.locator("[data-class='0'] .thumb")
    expect(ants).to_have_count(24)
    expect(page.get_by_role("button", name="More images of ant")).to_have_count(0)


def test_a_folder_of_the_server_is_used_and_deleted(admin: Visit) -> None:
    page = admin.open("/datasets")
    page.get_by_label("A folder on this server").select_option("insects")
    page.get_by_role("button", name="Use it").click()
    page.wait_for_url("**/datasets/*")
    address = page.url
    page.get_by_role("button", name="Make the dataset").click()
    expect(page.locator(".class-row")).to_have_count(2)
    page.get_by_role("button", name="Delete").click()
    page.get_by_role("button", name="Keep it").click()
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.get_by_role("button", name="Delete").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    page.wait_for_url("**/datasets")
    assert page.request.get(address).status == 404


def test_what_is_no_archive_is_refused_in_the_servers_words(admin: Visit, tmp_path: Path) -> None:
    wrong = tmp_path / "pets.zip"
    wrong.write_text("no archive")
    page = admin.open("/datasets")
    page.locator("[data-pick]").set_input_files(wrong)
    expect(page.get_by_role("alert")).to_contain_text("neither ZIP nor TAR")
    expect(page.get_by_text("Choose an archive")).to_be_visible()
    assert all("Failed to load resource" in complaint for complaint in admin.complaints)
    admin.complaints.clear()


@pytest.fixture(scope="module")
def pages(imports: Api) -> dict[str, str]:
    """The page of a dataset and of one whose import failed, and what is to be seen on each."""
    client = signed_in(imports.client)

    def brought(files: dict[str, bytes], review: str = "false") -> str:
        posted = {"file": ("archive.zip", zip_of(files))}
        made = client.post("/api/v1/datasets", files=posted, data={"review": review}).json()
        return str(made["links"]["page"])

    twice = classes("cat", "dog", count=3)
    twice["cat/wrong.jpg"] = twice["dog/0.jpg"]

    return {
        "/datasets": "h1",
        brought(_pets()): ".thumb",
        brought(twice, "true"): ".plan-twins img",
        brought(classes("only")): "text=only one class",
    }


def test_every_window_and_theme(any_admin: Visit, pages: dict[str, str]) -> None:
    for path, shows in pages.items():
        page = any_admin.open(path)
        page.locator(shows).first.wait_for()
        assert serious(page) == []
        assert overflows(page) == 0


def _folder(api: Api) -> str:
    """The page of the folder's dataset, imported."""
    client = signed_in(api.client)
    made = client.post("/api/v1/datasets/from-folder", json={"folder": "insects"}).json()
    with client.stream("GET", made["links"]["events"]) as stream:
        for _ in stream.iter_lines():  # until the import has ended
            pass
    return str(made["links"]["page"])
