"""Motion in colour, against values of the published colour code."""

from __future__ import annotations

import io
import math

import numpy as np
import pytest
from PIL import Image

from app.web.analyses.drawing import flow_colours, npy


def test_the_rim_is_that_of_the_paper() -> None:
    rim = np.array(flow_colours.hues())
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
    assert flow_colours.colour(x, y) == expected


def test_a_turn_passes_all_hues_without_a_jump() -> None:
    turn = [flow_colours.colour(math.cos(a), math.sin(a)) for a in np.linspace(0, 2 * math.pi, 721)]
    steps = np.abs(np.diff(np.array(turn), axis=0)).max()
    assert steps < 12
    assert len(set(turn)) > 400


def test_a_field_is_drawn_as_it_lies() -> None:
    flow = np.zeros((2, 4, 4), np.float32)
    flow[0, :, 2:] = 2.0
    grid = npy.Grid((2, 4, 4), tuple(float(v) for v in flow.ravel()))
    drawn = np.asarray(Image.open(io.BytesIO(flow_colours.draw(grid, (8, 6)))))
    assert drawn.shape == (6, 8, 3)
    np.testing.assert_array_equal(drawn[:, 0], np.full((6, 3), 255))
    np.testing.assert_array_equal(drawn[:, -1], np.tile([255, 0, 0], (6, 1)))
    faint = np.asarray(Image.open(io.BytesIO(flow_colours.draw(grid, (8, 6), scale=4.0))))
    np.testing.assert_array_equal(faint[0, -1], [255, 127, 127])


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_a_part_of_an_array_is_a_file_that_numpy_reads(dtype: type) -> None:
    values = np.random.default_rng(0).normal(size=(3, 5, 7)).astype(dtype)
    file = io.BytesIO()
    np.save(file, values)
    for index in range(3):
        cut = npy.part(file.getvalue(), index)
        read = np.load(io.BytesIO(cut))
        assert read.dtype == dtype
        np.testing.assert_array_equal(read, values[index])
        assert npy.head(cut).start % 64 == 0
    with pytest.raises(IndexError):
        npy.part(file.getvalue(), 3)
