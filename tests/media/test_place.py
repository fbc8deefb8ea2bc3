"""A photo made small is at the place that `box` says, and its ground keeps every tile."""

from __future__ import annotations

import numpy as np
import pytest

from ml.media.place import Pixels, box, place, scrambled


def test_a_ground_holds_the_tiles_of_its_picture_in_another_order() -> None:
    picture = _noise(224, 224)
    ground = scrambled(picture, 224, 16, seed=1)
    assert len(_tiles(picture)) == 196
    assert sorted(_tiles(ground)) == sorted(_tiles(picture))
    moved = sum(a != b for a, b in zip(_tiles(ground), _tiles(picture), strict=True))
    assert moved > 180
    assert np.array_equal(ground, scrambled(picture, 224, 16, seed=1))
    assert not np.array_equal(ground, scrambled(picture, 224, 16, seed=2))


def test_a_side_that_is_no_multiple_of_the_tile_cuts_the_last_tiles() -> None:
    picture = _noise(300, 200)
    ground = scrambled(picture, 100, 16, seed=3)
    assert ground.shape == (100, 100, 3)
    assert np.array_equal(ground, scrambled(picture, 112, 16, seed=3)[:100, :100])


@pytest.mark.parametrize("shape", [(90, 160), (160, 90), (50, 50), (1000, 700), (8, 1000)])
@pytest.mark.parametrize(("share", "x", "y"), [(0.35, 0.8, 0.2), (0.5, 0, 1), (1, 0.5, 0.5)])
def test_the_photo_covers_its_box_and_nothing_else(
    shape: tuple[int, int], share: float, x: float, y: float
) -> None:
    ground = np.zeros((224, 224, 3), np.uint8)
    placed = place(np.full((*shape, 3), 200, np.uint8), ground, share, x, y)
    assert placed.dtype == np.uint8
    assert not ground.any()
    left, top, right, bottom = (round(edge * 224) for edge in box(shape, 224, share, x, y))
    assert (placed[top:bottom, left:right] == 200).all()
    assert (placed == 200).sum() == 3 * (right - left) * (bottom - top)
    height, width = bottom - top, right - left
    assert max(width, height) == round(share * 224)
    assert width / height == pytest.approx(shape[1] / shape[0], rel=0.2 if 8 not in shape else 1)
    assert abs(left - x * (224 - width)) <= 0.5
    assert abs(top - y * (224 - height)) <= 0.5


def test_shrinking_keeps_the_mean_of_fine_stripes() -> None:
    stripes = np.zeros((400, 400, 3), np.uint8)
    stripes[::2] = 200
    placed = place(stripes, np.zeros((100, 100, 3), np.uint8), 0.5, 0, 0)
    assert (placed[:50, :50] == 100).all()


def _noise(height: int, width: int) -> Pixels:
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)


def _tiles(picture: Pixels) -> list[bytes]:
    return [
        picture[top : top + 16, left : left + 16].tobytes()
        for top in range(0, 224, 16)
        for left in range(0, 224, 16)
    ]
