"""Several files at once: each is taken, and has a row that tells its answer or its failure."""

from __future__ import annotations

import base64
import re
import zipfile
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.support.archives import zip_of
from tests.support.clip_files import picture
from tests.support.encoding import mp4
from tests.support.pages import EXAMPLES, Visit, overflows, serious

pytestmark = pytest.mark.xdist_group("browser: a photo")
BALL, CHURCH = ((EXAMPLES / name).read_bytes() for name in ("golf-ball.jpg", "church.jpg"))
ANSWER = re.compile(r"^[a-z ]+ [<>]?\s?\d+\.\d\s%$|none of what it knows")
DROP = """files => {
  const transfer = new DataTransfer();
  for (const [name, bytes] of files) {
    transfer.items.add(new File([Uint8Array.from(atob(bytes), (c) => c.charCodeAt(0))], name));
  }
  document.body.dispatchEvent(new DragEvent("drop", {dataTransfer: transfer, bubbles: true}));
}"""


def drop(page: Page, files: dict[str, bytes]) -> None:
    page.evaluate(DROP, [[name, base64.b64encode(data).decode()] for name, data in files.items()])


def rows(page: Page) -> Locator:
    return page.locator("[data-batch-rows] > li")


def test_all_files_that_are_dropped_are_taken(any_visit: Visit) -> None:
    page = any_visit.open()
    files = {"ball.jpg": BALL, "letter.jpg": b"no photo", "cut church.jpg": CHURCH[:-2]}
    drop(page, files | {"film.mp4": mp4(map(picture, range(24)), 12)})
    expect(rows(page)).to_have_count(4)
    ball, letter, church, film = rows(page).all()
    expect(letter).to_contain_text("not a photo or a clip that Sightline can read: use JPEG")
    assert all("Failed to load resource" in complaint for complaint in any_visit.complaints)
    any_visit.complaints.clear()
    for row, name in ((ball, "ball.jpg"), (church, "cut church.jpg"), (film, "film.mp4")):
        expect(row.get_by_role("link", name=name)).to_be_visible(timeout=120_000)
        expect(row.locator(".batch-says")).to_have_text(ANSWER, timeout=120_000)
        row.locator("img").evaluate("image => image.decode()")
    expect(church).to_contain_text("The file ends early: some of its detail may be missing.")
    expect(page.locator("[data-batch-count]")).to_have_text("3 of 4 answered, 1 not")
    assert overflows(page) == 0
    assert serious(page) == []
    with page.expect_popup() as opened:
        church.get_by_role("link").click()
    expect(opened.value.locator("h1")).to_have_text("cut church.jpg")
    expect(opened.value.get_by_text("The file ends early")).to_be_visible()
    drop(page, {"again.jpg": BALL})  # one more joins them
    expect(rows(page).last.get_by_role("link", name="again.jpg")).to_be_visible()
    expect(page.locator("[data-batch-count]")).to_have_text("4 of 5 answered, 1 not")


def test_the_photos_of_a_zip_and_of_a_folder_are_taken(visit: Visit, tmp_path: Path) -> None:
    page = visit.open()
    bad = zip_of({"photos/x.jpg": BALL}, zipfile.ZIP_DEFLATED)
    archive = tmp_path / "holiday"  # by its content, not by its name
    archive.write_bytes(
        zip_of(
            {"summer/": b"", "summer/été.jpg": BALL, "__MACOSX/summer/._a.jpg": b"x"},
            zipfile.ZIP_DEFLATED,
        )
    )
    page.locator("[data-pick]").first.set_input_files(archive)
    expect(rows(page).get_by_role("link", name="summer/été.jpg")).to_be_visible()
    expect(page.get_by_text("Left out: 1 hidden file of the system.")).to_be_visible()
    folder = tmp_path / "folder"
    (folder / "deep").mkdir(parents=True)
    (folder / "deep" / "one.jpg").write_bytes(CHURCH)
    (folder / "stored.zip").write_bytes(zip_of({"two.jpg": CHURCH}))
    (folder / "broken.zip").write_bytes(bad[: len(bad) // 2])
    page.locator("[data-pick][webkitdirectory]").set_input_files(folder)
    for name in ("folder/deep/one.jpg", "two.jpg"):
        expect(rows(page).get_by_role("link", name=name)).to_be_visible()
    broken = rows(page).filter(has_text="folder/broken.zip")
    expect(broken).to_contain_text("The ZIP is cut off or damaged: pack or send it again.")
    expect(page.locator("[data-batch-count]")).to_have_text(
        "3 of 4 answered, 1 not", timeout=120_000
    )


def test_a_folder_can_be_dropped_beside_a_file(visit: Visit, tmp_path: Path) -> None:
    page = visit.open()
    page.route("**/api/v1/media", lambda route: None)
    (tmp_path / "trip" / "deep").mkdir(parents=True)
    for name in ("a.jpg", "deep/b.jpg", ".DS_Store"):
        (tmp_path / "trip" / name).write_bytes(CHURCH)
    files = [str(tmp_path / "trip"), str(EXAMPLES / "parachute.jpg")]
    data = {"items": [], "files": files, "dragOperationsMask": 1}
    devtools = page.context.new_cdp_session(page)
    for kind in ("dragEnter", "dragOver", "drop"):
        event = {"type": kind, "x": 700, "y": 500, "data": data}
        devtools.send("Input.dispatchDragEvent", event)
    expect(page.locator(".batch-name")).to_have_count(3)
    names = sorted(page.locator(".batch-name").all_inner_texts())
    assert names == ["parachute.jpg", "trip/a.jpg", "trip/deep/b.jpg"]
    expect(page.get_by_text("Left out: 1 hidden file of the system.")).to_be_visible()
    page.get_by_role("button", name="Stop").click()


def test_what_is_left_can_be_stopped(visit: Visit) -> None:
    page = visit.open()
    page.route("**/api/v1/media", lambda route: None)  # the server never answers
    drop(page, {"a.jpg": BALL, "b.jpg": CHURCH})
    expect(rows(page).first).to_contain_text("Sending")
    page.get_by_role("button", name="Stop").click()
    expect(rows(page).get_by_text("Stopped before it was sent.")).to_have_count(2)
    expect(page.get_by_role("button", name="Stop")).to_be_hidden()


def test_one_file_that_is_no_photo_has_no_sheet(visit: Visit) -> None:
    page = visit.open()
    drop(page, {"a.txt": b"a"})
    expect(page.get_by_role("alert")).to_contain_text("not a photo or a clip")
    expect(page.locator("[data-batch]")).to_be_hidden()
    visit.complaints.clear()
