"""Values worked out by hand, and tests that agree with enumerating every case."""

from __future__ import annotations

import itertools
from math import comb

import numpy as np
import pytest

from ml.study.statistics import bootstrap, holm, mean_sd, sign_flip_test, wilson


def test_the_deviation_is_the_samples() -> None:
    assert mean_sd([1.0, 2.0, 3.0]) == (2.0, 1.0)
    assert mean_sd([0.7]) == (0.7, None)


def test_with_one_seed_it_is_mcnemars_exact_test() -> None:
    """Nine photos only A has right, two only B: p = 2 P(at most 2 of 11)."""
    a = np.array([[1] * 9 + [0] * 2 + [1] * 20 + [0] * 5])
    b = np.array([[0] * 9 + [1] * 2 + [1] * 20 + [0] * 5])
    expected = 2 * sum(comb(11, k) for k in range(3)) / 2**11
    assert sign_flip_test(a, b) == pytest.approx(expected)
    assert sign_flip_test(b, a) == pytest.approx(expected)


def test_with_several_seeds_it_counts_every_flip() -> None:
    random = np.random.default_rng(1)
    a, b = random.random((3, 9)) < 0.8, random.random((2, 9)) < 0.5
    d = a.mean(0) - b.mean(0)
    sums = [abs(np.dot(signs, d)) for signs in itertools.product((-1, 1), repeat=9)]
    expected = np.mean(np.array(sums) >= abs(d.sum()) - 1e-9)
    assert sign_flip_test(a, b) == pytest.approx(expected)


def test_equals_differ_by_chance_and_thousands_of_photos_are_no_trouble() -> None:
    same = np.ones((3, 40), bool)
    assert sign_flip_test(same, same) == 1
    random = np.random.default_rng(2)
    a, b = random.random((3, 4000)) < 0.9, random.random((3, 4000)) < 0.8
    assert sign_flip_test(a, b) < 1e-30
    with pytest.raises(ValueError, match="paired"):
        sign_flip_test(same, same[:, 1:])


def test_chance_alone_is_below_5_percent_in_5_percent() -> None:
    random = np.random.default_rng(3)
    draws = (random.random((2, 2, 60)) < 0.7 for _ in range(400))
    below = np.mean([sign_flip_test(a, b) < 0.05 for a, b in draws])
    assert 0.015 < below < 0.06


def test_holm_by_hand() -> None:
    """0.01 * 4, 0.02 * 3, then 0.03 * 2 and 0.04, which may not be less than those before."""
    adjusted = holm({"a": 0.04, "b": 0.01, "c": 0.03, "d": 0.02})
    assert adjusted == pytest.approx({"b": 0.04, "d": 0.06, "c": 0.06, "a": 0.06})
    assert holm({"a": 0.7, "b": 0.9}) == {"a": 1.0, "b": 1.0}


def test_wilsons_interval_by_hand() -> None:
    """Of 10, 5: middle 0.5, half of the width z sqrt(0.025 + z^2 / 400) / (1 + z^2 / 10)."""
    assert wilson(5, 10) == pytest.approx((0.2366, 0.7634), abs=1e-4)
    assert wilson(0, 20) == pytest.approx((0.0, 0.1611), abs=1e-4)
    assert wilson(20, 20)[1] == 1.0


def test_a_bootstrap_is_as_wide_as_the_standard_error_says() -> None:
    values = (np.random.default_rng(4).random((1, 900)) < 0.3).astype(float)
    low, high = bootstrap(values)
    half = 1.96 * np.sqrt(values.mean() * (1 - values.mean()) / 900)
    assert (low, high) == pytest.approx((values.mean() - half, values.mean() + half), abs=0.004)
    assert bootstrap(values) == (low, high)
    seeds = np.repeat([[0.2], [0.8]], 900, 1)  # photos agree, seeds do not
    assert bootstrap(seeds) == pytest.approx((0.2, 0.8), abs=1e-5)  # sums of 900 in float32
