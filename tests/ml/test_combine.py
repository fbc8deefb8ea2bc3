"""The combined map, against the documented rule in NumPy."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from ml.explain.combine import RULE, combine, unit_range, upsample
from tests.support.equations import Array, array, bilinear


def by_the_rule(stages: list[Array], size: tuple[int, int]) -> Array:
    """Positive part, each to 0..1 over the image, bilinear to the input size, averaged."""
    grown = []
    for stage in stages:
        positive = np.maximum(stage, 0)
        low, high = positive.min((1, 2), keepdims=True), positive.max((1, 2), keepdims=True)
        scaled = np.zeros_like(positive)
        np.divide(positive - low, high - low, out=scaled, where=high > low)
        grown.append(bilinear(scaled, *size))
    return np.mean(grown, 0)


def three(scale: float = 1.0) -> list[Tensor]:
    return [scale * torch.randn(2, side, side) for side in (28, 14, 7)]


@pytest.mark.parametrize("size", [(224, 224), (97, 161)])
def test_the_rule(size: tuple[int, int]) -> None:
    stages = three()
    expected = by_the_rule([array(s) for s in stages], size)
    found = combine(stages, size)
    assert found.shape == (2, *size)
    np.testing.assert_allclose(array(found), expected, atol=1e-5)


def test_a_stage_counts_the_same_at_any_magnitude() -> None:
    early, medium, late = three()
    torch.testing.assert_close(
        combine([1e-3 * early, medium, 1e4 * late], (64, 64)),
        combine([early, medium, late], (64, 64)),
    )


def test_an_image_is_scaled_by_itself() -> None:
    stages = three()
    alone = combine([s[1:] for s in stages], (64, 64))
    torch.testing.assert_close(combine(stages, (64, 64))[1:], alone)


@pytest.mark.parametrize("level", [0.0, 3.0, -3.0])
def test_a_flat_map_counts_as_zero(level: float) -> None:
    early, medium, _ = three()
    flat = torch.full((2, 7, 7), level)
    expected = by_the_rule([array(early), array(medium)], (32, 32)) * 2 / 3
    np.testing.assert_allclose(array(combine([early, medium, flat], (32, 32))), expected, atol=1e-5)
    assert not combine([flat, flat, flat], (32, 32)).any()


def test_evidence_against_is_not_shown_as_evidence_for() -> None:
    against = -torch.rand(1, 7, 7) - 0.1
    assert not unit_range(against).any()


def test_upsampling_keeps_a_maximum_where_it_is() -> None:
    grid = torch.zeros(1, 7, 7)
    grid[0, 2, 5] = 1
    y, x = divmod(upsample(grid, (224, 224))[0].argmax().item(), 224)
    assert (y // 32, x // 32) == (2, 5)


def test_the_rule_is_said_in_words() -> None:
    assert all(word in RULE for word in ("positive", "0..1", "bilinear", "averaged"))
