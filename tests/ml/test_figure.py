"""The table as a drawing: what is written on it, its formats, and that it repeats itself."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from ml.errors import MlError
from ml.figures.table import Cell, Row, Style, colormap_named, coloured, draw
from ml.networks.types import Unit

STAGES = ("early", "medium", "late", "combined")


def rows(negative: bool = False) -> list[Row]:
    rng = np.random.default_rng(0)
    masks = {s: rng.uniform(0.25, 0.75, (7, 7)).astype(np.float32) for s in STAGES}
    cams = {s: rng.normal(0, 2, (7, 7)).astype(np.float32) for s in STAGES}
    if negative:
        cams["late"] = -np.abs(cams["late"])
    return [
        row("learnt mask", "gate", masks),
        row("Grad-CAM", "evidence", cams),
    ]


def row(method: str, unit: Unit, maps: dict[str, np.ndarray]) -> Row:
    cells = [Cell(v, "combined" if s == "combined" else unit) for s, v in maps.items()]
    return Row("CBAM", method, "tench  98%", unit == "evidence", cells)


def columns(photo: np.ndarray) -> list[tuple[str, np.ndarray]]:
    return [(stage, photo) for stage in STAGES]


def words(path: Path) -> list[str]:
    """The text of an SVG: matplotlib notes it beside the outlines of the letters."""
    return [w.strip() for w in re.findall(r"<!--(.*?)-->", path.read_text(), re.DOTALL)]


@pytest.mark.parametrize("kind", ["png", "svg", "pdf"])
def test_the_same_maps_give_the_same_file(
    kind: str, tmp_path: Path, photo_array: np.ndarray
) -> None:
    paths = [tmp_path / f"{i}.{kind}" for i in (1, 2)]
    for path in paths:
        draw(rows(), columns(photo_array), path, kind, Style())
    first, second = (p.read_bytes() for p in paths)
    assert first == second
    assert first.startswith({"png": b"\x89PNG", "svg": b"<?xml", "pdf": b"%PDF"}[kind])


def test_maps_that_are_not_square_lie_as_they_are(tmp_path: Path) -> None:
    """The highest place of a wide map is drawn at its own corner of a cell that is as wide."""
    photo = np.zeros((70, 140, 3), np.uint8)
    for row_, column in ((0, 13), (6, 0)):
        values = np.zeros((7, 14), np.float32)
        values[row_, column] = 1
        shown = [Row("Gated", "learnt mask", "", False, [Cell(values, "share")])]
        style = Style("viridis", 1.0)
        draw(shown, [("late", photo)], tmp_path / "a.png", "png", style, aspect=2.0)
        drawn = np.asarray(Image.open(tmp_path / "a.png").convert("RGB"))
        found = cv2.connectedComponentsWithStats((drawn.min(2) < 250).astype(np.uint8))[2]
        left, top, width, height, _ = max(found[1:], key=lambda part: part[4])
        assert width / height == pytest.approx(2, abs=0.05)
        red, _, blue = drawn[top : top + height, left : left + width].astype(int).transpose(2, 0, 1)
        y, x = np.argwhere(red - blue > 150).mean(0)  # the last colour is yellow
        assert x / width == pytest.approx((column + 0.5) / 14, abs=0.05)
        assert y / height == pytest.approx((row_ + 0.5) / 7, abs=0.05)


def test_it_is_written_on(tmp_path: Path, photo_array: np.ndarray) -> None:
    draw(rows(), columns(photo_array), tmp_path / "a.svg", "svg", Style(), title="A photo")
    said = words(tmp_path / "a.svg")
    for expected in ("CBAM", "learnt mask", "Grad-CAM", "tench  98%", "A photo", *STAGES):
        assert expected in said


def test_a_long_title_takes_two_lines(tmp_path: Path, photo_array: np.ndarray) -> None:
    drawn = [replace(one, title="MobileNetV2, ImageNet, averaged") for one in rows()]
    draw(drawn, columns(photo_array), tmp_path / "a.svg", "svg", Style())
    said = words(tmp_path / "a.svg")
    assert {"MobileNetV2,", "ImageNet, averaged", "learnt mask", "tench  98%"} <= set(said)


def test_a_map_without_positive_evidence_says_so(tmp_path: Path, photo_array: np.ndarray) -> None:
    for negative, times in ((False, 0), (True, 1)):
        draw(rows(negative), columns(photo_array), tmp_path / "a.svg", "svg", Style())
        assert sum(w.startswith("no positive") for w in words(tmp_path / "a.svg")) == times


def test_ranges_are_the_maps_own_or_shared(tmp_path: Path, photo_array: np.ndarray) -> None:
    drawn = rows()
    ranges = {}
    for scale in ("map", "row", "shared"):
        draw(drawn, columns(photo_array), tmp_path / "a.svg", "svg", Style(scale=scale))
        ranges[scale] = [w for w in words(tmp_path / "a.svg") if re.fullmatch(r"\S+ to \S+", w)]
    ranges = {k: [r for r in v if r != "low to high"] for k, v in ranges.items()}
    masks, cams = ([cell.values for cell in row.cells] for row in drawn)
    own = [f"{m.min():.2g} to {m.max():.2g}" for m in masks]
    assert ranges["map"] == own + [f"0 to {m.max():.2g}" for m in cams]
    highest = max(m.max() for m in cams[:3])
    assert ranges["row"][4:7] == [f"0 to {highest:.2g}"] * 3
    assert ranges["shared"] == ranges["row"]


def test_a_signed_figure_says_so_and_has_its_palette(
    tmp_path: Path, photo_array: np.ndarray
) -> None:
    signed = Style(colormap="vik", signed=True)
    draw(rows(), columns(photo_array), tmp_path / "a.svg", "svg", signed, note="How it is drawn")
    said = words(tmp_path / "a.svg")
    assert {"against \u2013 0 \u2013 for", "low to high", "How it is drawn"} <= set(said)
    masks, cams = ([cell.values for cell in row.cells] for row in rows())
    ranges = [w for w in said if re.fullmatch(r"\S+ to [\d.]+", w)]
    assert ranges[0] == f"{masks[0].min():.2g} to {masks[0].max():.2g}"
    reach = np.abs(cams[0]).max()
    assert ranges[4] == f"{-reach:.2g} to {reach:.2g}"
    draw(rows(negative=True), columns(photo_array), tmp_path / "a.svg", "svg", signed)
    assert "no positive" not in (tmp_path / "a.svg").read_text()  # there is evidence against


def test_colours_are_the_values_at_their_own_grid() -> None:
    values = np.array([[-2.0, -0.5], [0.5, 2.0]], np.float32)
    style = Style("vik", 0.6, signed=True, smooth=False, threshold=0.5)
    drawn = coloured(values, (-2.0, 2.0), style)
    assert drawn.shape == (2, 2, 4)
    table = colormap_named("vik")
    np.testing.assert_allclose(drawn[0, 0, :3], table(0.0)[:3])
    np.testing.assert_allclose(drawn[1, 1, :3], table(1.0)[:3])
    np.testing.assert_allclose(drawn[..., 3], [[0.6, 0], [0, 0.6]])
    assert coloured(values, (0, 2), Style(smooth=True)).shape == (224, 224, 4)


def test_more_rows_make_a_taller_picture(tmp_path: Path, photo_array: np.ndarray) -> None:
    sizes = []
    for count in (1, 3):
        look = Style(colormap="batlow")
        draw(rows()[:1] * count, columns(photo_array), tmp_path / "a.png", "png", look)
        sizes.append(Image.open(tmp_path / "a.png").size)
    assert sizes[0][0] == sizes[1][0]
    assert sizes[1][1] > 2 * sizes[0][1]


def test_an_unknown_colormap_gets_a_sentence(tmp_path: Path, photo_array: np.ndarray) -> None:
    with pytest.raises(MlError, match="sunset"):
        draw(rows(), columns(photo_array), tmp_path / "a.png", "png", Style(colormap="sunset"))
    assert not (tmp_path / "a.png").exists()


def test_words_stand_in_every_cell_of_a_row_without_maps(
    tmp_path: Path, photo_array: np.ndarray
) -> None:
    """And a name is drawn as it is: no dollars make a formula of it."""
    said = "does not know $x$ cars_for hire"
    lacks = Row("A $\\frac$", "Grad-CAM", "$a$  98%", True, [None] * 4, instead=said)
    draw([*rows(), lacks], columns(photo_array), tmp_path / "a.svg", "svg", Style(), title="$_$")
    drawn = words(tmp_path / "a.svg")
    assert [drawn.count(line) for line in ("does not know $x$", "cars_for hire")] == [4, 4]
    assert {"A $\\frac$", "$a$  98%", "$_$"} <= set(drawn)
