"""Rows say of a map exactly what its file holds."""

from __future__ import annotations

import io
import math

import numpy as np
import pytest

from ml.explain.results import Explanation, Track
from worker.analysis.rows import compact, entropy_bits, npy, prediction, track


@pytest.mark.parametrize("of_clip", [False, True])
def test_a_row_describes_its_file(of_clip: bool) -> None:
    values = np.array([[[-1.5, 0.0], [0.1, 3.3333333]], [[1.0, 2.0], [0.5, 0.25]]], np.float32)
    times = np.array([0.5, 1.5])
    if not of_clip:
        values, times = values[:1], np.zeros(1)
    maps = Track("rgb", "late", "gradcam", "evidence", "features.18", values, times, "tench")
    key, array, rows = track("a" * 32, "plain", maps, of_clip=of_clip)
    assert key == f"maps/{'a' * 32}/plain-{'rgb-' if of_clip else ''}late-gradcam.npy"
    stored = np.load(io.BytesIO(npy(array)), allow_pickle=False)
    assert stored.dtype == np.float16
    assert stored.shape == ((2, 2, 2) if of_clip else (2, 2))
    for row, exact in zip(
        rows, (stored if of_clip else stored[None]).astype(np.float64), strict=True
    ):
        assert (row["min"], row["max"], row["sum"]) == (exact.min(), exact.max(), exact.sum())
        assert (row["shape"], row["unit"], row["target"]) == ([2, 2], "evidence", "tench")
        assert row["blob_key"] == key
    assert [(row["frame"], row["time_s"]) for row in rows] == (
        [(0, 0.5), (1, 1.5)] if of_clip else [(-1, None)]
    )


@pytest.mark.parametrize(
    ("largest", "dtype"),
    [
        (0.0, np.float16),
        (1.0, np.float16),
        (6e4, np.float16),
        (1e-5, np.float32),
        (1e6, np.float32),
    ],
)
def test_maps_are_half_precision_where_that_is_enough(largest: float, dtype: type) -> None:
    values = np.array([[largest, largest / 3]], np.float32)
    stored = compact(values)
    assert stored.dtype == dtype
    np.testing.assert_allclose(stored.astype(np.float64), values, rtol=1e-3)


def test_entropy_is_in_bits_and_of_the_positive_part() -> None:
    assert entropy_bits(np.full((4, 4), 0.5)) == 4.0
    assert entropy_bits(np.array([[0.0, 5.0]])) == 0.0
    assert entropy_bits(np.array([[-7.0, 1.0, 1.0]])) == 1.0
    assert entropy_bits(np.array([[-7.0, 0.0]])) is None
    skewed = entropy_bits(np.array([1.0, 3.0]))
    assert skewed == pytest.approx(-0.25 * math.log2(0.25) - 0.75 * math.log2(0.75))


def test_the_five_best_classes_are_kept_with_the_target() -> None:
    probabilities = np.array([0.05, 0.4, 0.1, 0.3, 0.02, 0.13], np.float32)
    result = Explanation(
        model="plain",
        classes=("a", "b", "c", "d", "e", "f"),
        logits=np.log(probabilities),
        probabilities=probabilities,
        target_index=4,
        tracks=(),
        seconds=0.25,
    )
    row = prediction("a" * 32, result)
    assert [entry["name"] for entry in row.top] == ["b", "d", "f", "c", "a"]
    assert [entry["index"] for entry in row.top] == [1, 3, 5, 2, 0]
    assert (row.target_index, row.target_name, row.seconds) == (4, "e", 0.25)
    assert row.target_probability == pytest.approx(0.02)
