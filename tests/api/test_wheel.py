"""Motion in colour, against values of the published colour code."""

from __future__ import annotations

import io
import math

import numpy as np
import pytest
from PIL import Image

from app.web.analyses.drawing import flow_colours, npy


def test_the_rim_is_that_of_the_paper() -> None:
    rim = flow_colours.hues()
    assert rim.shape == (55, 3)
    for place, colour in ((0, (1, 0, 0)), (15, (1, 1, 0)), (21, (0, 1, 0)), (25, (0, 1, 1))):
        np.testing.assert_array_equal(rim[place], colour)
    np.testing.assert_array_equal(rim[36], (0, 0, 1))
    np.testing.assert_array_equal(rim[49], (1, 0, 1))


@pytest.mark.parametrize(
    ("x", "y", "expected"),
    [
        (0.0, 0.0, (255, 255, 255)),
        (1.0, 0.0, (255, 0, 0)),  # right: red
        (0.0, 1.0, (255, 229, 0)),  # down: 13.5 of the 15 steps from red to yellow
        (0.5, 0.0, (255, 127, 127)),
        (3.0, 0.0, (191, 0, 0)),  # beyond the scale: darker
    ],
)
def test_directions(x: float, y: float, expected: tuple[int, int, int]) -> None:
    assert tuple(flow_colours.colours(np.array([x, y]))) == expected


def test_a_turn_passes_all_hues_without_a_jump() -> None:
    angles = np.linspace(0, 2 * np.pi, 721)
    turn = flow_colours.colours(np.stack([np.cos(angles), np.sin(angles)])).astype(int)
    assert np.abs(np.diff(turn, axis=0)).max() < 12
    assert len(np.unique(turn, axis=0)) > 400


def test_a_whole_field_gets_the_colours_that_its_motions_have_one_by_one() -> None:
    flow = np.random.default_rng(0).normal(size=(2, 56, 56)) * 0.7  # some of them beyond the rim
    one_by_one = [
        [colour(x, y) for x, y in zip(*row, strict=True)] for row in zip(*flow, strict=True)
    ]
    difference = np.abs(flow_colours.colours(flow).astype(int) - one_by_one)
    assert difference.max() <= 1
    assert (difference > 0).mean() < 0.001  # the last bit of an arc tangent, at a step's edge


def colour(x: float, y: float) -> list[int]:
    """The published formula for one motion."""
    wheel = flow_colours.hues().tolist()
    length = math.hypot(x, y)
    place = (math.atan2(-y, -x) / math.pi + 1) / 2 * (len(wheel) - 1)
    low = int(place)
    part = place - low
    around = zip(wheel[low], wheel[(low + 1) % len(wheel)], strict=True)
    rim = [(1 - part) * a + part * b for a, b in around]
    return [int(255 * (1 - length * (1 - c) if length <= 1 else 0.75 * c)) for c in rim]


def test_a_field_is_drawn_as_it_lies() -> None:
    flow = np.zeros((2, 4, 4), np.float32)
    flow[0, :, 2:] = 2.0
    drawn = np.asarray(Image.open(io.BytesIO(flow_colours.draw(flow, (8, 6)))))
    assert drawn.shape == (6, 8, 3)
    np.testing.assert_array_equal(drawn[:, 0], np.full((6, 3), 255))
    np.testing.assert_array_equal(drawn[:, -1], np.tile([255, 0, 0], (6, 1)))
    faint = np.asarray(Image.open(io.BytesIO(flow_colours.draw(flow, (8, 6), scale=4.0))))
    np.testing.assert_array_equal(faint[0, -1], [255, 127, 127])


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_a_part_of_an_array_is_a_file_that_numpy_reads(dtype: type) -> None:
    values = np.random.default_rng(0).normal(size=(3, 5, 7)).astype(dtype)
    file = io.BytesIO()
    np.save(file, values)
    for index in range(3):
        cut = npy.dump(npy.load(file.getvalue())[index])
        read = np.load(io.BytesIO(cut))
        assert read.dtype == dtype
        np.testing.assert_array_equal(read, values[index])
