"""The main job, as a person does it: a photo in, the table out."""

from __future__ import annotations

import base64
import re
import secrets
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import expect

from tests.support.pages import EXAMPLES, Visit

pytestmark = pytest.mark.xdist_group("browser: a photo")
TRANSFER = """([bytes, name, type]) => {
  const file = new File([Uint8Array.from(atob(bytes), (c) => c.charCodeAt(0))], name, {type});
  const transfer = new DataTransfer();
  transfer.items.add(file);
  return transfer;
}"""


def another(photo: bytes) -> bytes:
    """The same photo in another file: bytes after the end of a JPEG change nothing else."""
    return photo + secrets.token_bytes(8)


def _transfer(visit: Visit, photo: Path) -> object:
    bytes_ = base64.b64encode(photo.read_bytes()).decode()
    return visit.page.evaluate_handle(TRANSFER, [bytes_, photo.name, "image/jpeg"])


def test_photo_in_table_out(each_width: Visit) -> None:
    page = each_width.upload()
    expect(page.locator("h1")).to_have_text("golf-ball.jpg")
    expect(page.locator(".row:not(.head)")).to_have_count(7)
    expect(page.locator(".row:not(.head)").first).to_contain_text("MobileNetV2, ImageNet")
    for row in page.locator(".row:not(.head)").all():
        texts = row.locator("[data-says] li span:last-child").all_inner_texts()
        shares = [float(text.strip("<>\u202f%")) for text in texts]
        assert len(shares) == 3
        assert shares == sorted(shares, reverse=True)
    canvases = "[...document.querySelectorAll('.cell canvas:not([hidden])')].map(c => c.width)"
    drawn = page.evaluate(canvases)
    assert min(drawn) > 40


def test_cells_keep_their_place(each_width: Visit, tmp_path: Path) -> None:
    """Nothing moves between the empty table and the full one."""
    page = each_width.open()
    photo = tmp_path / "church.jpg"
    photo.write_bytes(another((EXAMPLES / "church.jpg").read_bytes()))
    page.locator("[data-pick]").first.set_input_files(photo)
    page.wait_for_url("**/analyses/*")
    boxes = "[...document.querySelectorAll('.cell')].map(c => c.getBoundingClientRect().toJSON())"
    page.locator(".cell").first.wait_for(state="attached")
    before = page.evaluate(boxes)
    each_width.complete()
    assert page.evaluate(boxes) == before


def test_examples_come_with_their_class(visit: Visit) -> None:
    page = visit.open()
    page.get_by_role("button", name="Church at dusk").click()
    page.wait_for_url(re.compile(r"/analyses/\w+\?true=church"))
    visit.complete()
    expect(page.get_by_label("True class")).to_have_value("church")
    verdicts = page.locator(".verdict:visible")
    expect(verdicts).to_have_count(7)
    for verdict in verdicts.all():
        top = verdict.locator("xpath=ancestor::*[@data-row]").locator("li").first
        right = top.locator("span").first.inner_text() == "church"
        assert verdict.get_attribute("aria-label") == ("right" if right else "wrong")


def test_drop_anywhere(visit: Visit) -> None:
    page = visit.open()
    transfer = _transfer(visit, EXAMPLES / "parachute.jpg")
    page.dispatch_event("body", "dragenter", {"dataTransfer": transfer})
    expect(page.get_by_text("Drop photos or clips to analyse them")).to_be_visible()
    page.dispatch_event("footer", "drop", {"dataTransfer": transfer})
    page.wait_for_url("**/analyses/*")
    expect(page.locator("h1")).to_have_text("parachute.jpg")


def test_paste(visit: Visit) -> None:
    page = visit.open()
    transfer = _transfer(visit, EXAMPLES / "parachute.jpg")
    page.evaluate(
        "t => document.dispatchEvent(new ClipboardEvent('paste', {clipboardData: t}))", transfer
    )
    page.wait_for_url("**/analyses/*")
    expect(page.locator("h1")).to_have_text("parachute.jpg")


def test_paste_of_words_says_what_to_do(visit: Visit) -> None:
    page = visit.open()
    page.evaluate("document.dispatchEvent(new ClipboardEvent('paste', {}))")
    expect(page.get_by_role("alert")).to_contain_text("no photo on the clipboard")


def test_what_is_no_photo_is_refused_in_the_servers_words(visit: Visit, tmp_path: Path) -> None:
    text = tmp_path / "holiday.jpg"
    text.write_text("this is no photo")
    page = visit.open()
    page.locator("[data-pick]").first.set_input_files(text)
    answer = httpx.post(f"{visit.address}/api/v1/media", files={"file": text.read_bytes()})
    expect(page.get_by_role("alert")).to_have_text(answer.json()["detail"])
    expect(page.get_by_text("Choose photos")).to_be_visible()
    assert all("Failed to load resource" in complaint for complaint in visit.complaints)
    visit.complaints.clear()


def test_recent_analyses_and_stored_answer(visit: Visit) -> None:
    visit.upload()
    page = visit.open()
    first = page.locator(".recent-list a").first
    expect(first).to_contain_text("golf-ball.jpg")
    first.click()
    page.wait_for_url("**/analyses/*")
    visit.upload()
    expect(page.locator("[data-status]")).to_contain_text("Answered from what is stored")


def test_cancel_and_run_again(visit: Visit) -> None:
    """A queue of other photos keeps the worker busy, so that there is something to cancel."""
    page = visit.open()
    photo = (EXAMPLES / "church.jpg").read_bytes()
    cookie = visit.context.cookies()[0]
    queued: list[str] = []
    with httpx.Client(base_url=visit.address, cookies={cookie["name"]: cookie["value"]}) as api:
        for wanted in [*5 * [{"input_size": 512}], {"models": ["plain"]}]:
            file = {"file": ("busy.jpg", another(photo))}
            media = api.post("/api/v1/media", files=file).json()
            latest = api.post("/api/v1/analyses", json={"media_id": media["id"], **wanted}).json()
            queued.append(latest["links"]["self"])
        page.goto(visit.address + latest["links"]["page"])
        page.get_by_role("button", name="Cancel").click()
        expect(page.get_by_role("alert")).to_contain_text("was cancelled")
        assert api.get(queued[-1]).json()["state"] == "cancelled"
        for busy in queued[:-1]:
            api.post(f"{busy}/cancel")
    page.get_by_role("button", name="Run it again").click()
    page.wait_for_url(lambda url: latest["id"] not in url)
    visit.complete()


def test_the_example_clip_moves(visit: Visit) -> None:
    page = visit.open()
    page.get_by_role("button", name="A moving camera").click()
    page.wait_for_url("**/analyses/*")
    expect(page.locator("h1")).to_have_text("camera.mp4")
    rows = page.locator(".row:not(.head) .who-name a")
    expect(rows).to_have_text(["MobileNetV2, ImageNet, averaged over frames", "Camera motion"])
    says = page.locator('[data-row="imagenet-clip"] [data-says]')
    expect(says).to_contain_text("church", timeout=120_000)  # or its tower, the bell cote
    first = page.locator('[data-row="imagenet-clip"]')
    expect(first).to_contain_text("no flow stream")
    box = first.bounding_box()
    assert box
    assert box["y"] + box["height"] <= 900, "its table is in sight"
    absent = page.locator('[data-pane="flow"]')
    expect(absent).to_contain_text("it sees the frames only")
    expect(absent.locator("img")).to_be_hidden()
    row = page.locator('[data-row="camera-motion"]')
    expect(row).to_contain_text(re.compile("still|pan|zoom|rotate"), timeout=120_000)
