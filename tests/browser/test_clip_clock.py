"""A clip whose file is odd: what plays is what was explained; what is guessed is told."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.support.clip_files import KINDS, Kind, make
from tests.support.clip_pages import analysis, at, at_once, frame_shown, ready
from tests.support.pages import Visit, analysed, overflows, serious, until

pytestmark = pytest.mark.xdist_group("browser: a clip")


def test_player_timeline_and_maps_have_one_clock(visit: Visit, tmp_path: Path) -> None:
    """The picture begins a second after its file: frame n of the maps is frame n of the player."""
    kind = KINDS["h264 mp4"]
    file = make(tmp_path, kind, range(1000, 1000 + 40 * 60, 40))
    page = ready(visit, analysed(visit.address, file, models=["camera-motion"]))
    scores = next(iter(analysis(visit)["predictions"].values()))["clip"]
    assert scores["bounds"][0][0] == 0
    page.locator("h1").click()
    at_once(page, "Home")
    for moment in scores["times"][:4]:
        page.keyboard.press("PageDown")
        at(page, moment)
        until(lambda moment=moment: frame_shown(page) == round(25 * moment))
    assert page.evaluate("document.querySelector('video').duration") == pytest.approx(2.4, abs=0.05)
    ends = page.locator("[data-clock]").inner_text()
    assert "2.40" in ends


def test_what_was_guessed_is_told_on_the_page(any_visit: Visit, tmp_path: Path) -> None:
    kind = Kind("b.avi", "libx264", {"bf": "3", "x264-params": "b-adapt=0"}, unit=Fraction(1, 50))
    file = make(tmp_path, kind, range(0, 80, 2))
    page = any_visit.show(analysed(any_visit.address, file, models=["camera-motion"]))
    told = page.locator("header.title")
    expect(told).to_contain_text("The file's times do not fit the order of its frames")
    expect(told).to_contain_text("25 a second.")
    assert overflows(page) == 0
    assert serious(page) == []
