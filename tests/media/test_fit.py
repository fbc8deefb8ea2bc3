"""What a network is given of a photo, and how large it is."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from ml.media.fit import FITS, LEAST, MOST, Fit, fitted_size
from ml.media.photo import fitted

FOURTHS = ((200, 30, 30), (30, 200, 30), (30, 30, 200), (200, 200, 30))


def striped(width: int, height: int) -> Image.Image:
    """Four colours in four equal parts along the longer side."""
    size = (4, 1) if width > height else (1, 4)
    small = np.array(FOURTHS, np.uint8).reshape(size[1], size[0], 3)
    return Image.fromarray(small).resize((width, height), Image.Resampling.NEAREST)


@pytest.mark.parametrize(
    ("photo", "size", "expected"),
    [
        ((640, 480), 224, (299, 224)),
        ((480, 640), 224, (224, 299)),
        ((3000, 2000), 96, (144, 96)),
        ((500, 500), 100, (100, 100)),
        ((8, 9), 224, (224, 252)),
        ((9000, 3000), 224, (672, 224)),  # three squares side by side
        ((6000, 1500), 224, (775, 194)),  # longer than that: the same area
        ((10000, 500), 224, (1730, 87)),
        ((20000, 8), 96, (864, 32)),  # no side gets too small to see with
        ((8, 20000), 96, (32, 864)),
    ],
)
def test_a_photo_keeps_its_proportions(
    photo: tuple[int, int], size: int, expected: tuple[int, int]
) -> None:
    assert fitted_size(*photo, size, "shape") == expected
    assert fitted_size(*photo, size, "squash") == (size, size)
    assert fitted_size(*photo, size, "crop") == (size, size)


def test_no_photo_costs_more_than_three_squares() -> None:
    for size in (96, 97, 224, 512):
        for longer in range(8, 20_001, 37):
            width, height = fitted_size(longer, 8, size, "shape")
            assert width * height <= MOST * size**2
            assert width >= height >= min(LEAST, size)
            assert fitted_size(8, longer, size, "shape") == (height, width)


@pytest.mark.parametrize(("width", "height"), [(400, 100), (100, 400)])
def test_all_of_a_photo_is_seen_but_for_crop(width: int, height: int) -> None:
    def parts(fit: Fit) -> list[list[int]]:
        pixels = fitted(striped(width, height), 96, fit)
        line = pixels[len(pixels) // 2] if width > height else pixels[:, pixels.shape[1] // 2]
        return [line[(2 * i + 1) * len(line) // 8].tolist() for i in range(4)]

    everything = [list(colour) for colour in FOURTHS]
    assert parts("shape") == parts("squash") == everything
    assert parts("crop") == [everything[1]] * 2 + [everything[2]] * 2


def test_of_a_square_photo_all_see_the_same() -> None:
    grain = np.random.default_rng(0).integers(0, 256, (333, 333, 3), np.uint8)
    photo = Image.fromarray(grain)
    for size in (96, 224, 500):
        first, *others = (fitted(photo, size, fit) for fit in FITS)
        assert first.shape == (size, size, 3)
        assert all(np.array_equal(first, other) for other in others)
