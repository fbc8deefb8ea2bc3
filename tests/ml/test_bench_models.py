"""What the timings time is what the pages show: the default rows, of pictures in their shape."""

from __future__ import annotations

import pytest

from bench import models
from ml.media.photo import load_rgb

pytestmark = pytest.mark.slow


def test_timings_are_of_the_default_rows_and_shape() -> None:
    ids = [model.entry.id for model in models.shipped()]
    assert ids[:2] == ["plain-imagenet", "plain"]
    photo = load_rgb(models.PHOTO)
    height, width, _ = models.photo().shape
    assert min(height, width) == 224
    assert width / height == pytest.approx(photo.width / photo.height, abs=0.01)
    assert models.batch(2).shape == (2, 3, height, width)
