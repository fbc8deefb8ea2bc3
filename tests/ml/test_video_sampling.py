"""The choice of frames, for any clip, range and rate."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ml.errors import MlError
from ml.networks.video.sampling import segment_bounds, snippets, spread

STEPS = st.lists(st.floats(0.001, 0.5), min_size=1, max_size=120)


def times_of(steps: list[float]) -> list[float]:
    return np.cumsum(steps).tolist()


def test_ten_seconds_at_25_frames_a_second() -> None:
    times = [i / 25 for i in range(250)]
    found = snippets(times)
    assert [len(s) for s in found] == [11] * 8
    # segments of 1.25 s: their middles are 0.625, 1.875 ... s, so frames 15.6, 46.9 ...
    assert [s[5] for s in found] == [16, 47, 78, 109, 141, 172, 203, 234]
    assert found[0] == tuple(range(11, 22))


def test_variable_rate_goes_by_time_and_not_by_number() -> None:
    """Ninety frames in the first second and ten in the next: half the snippets in each."""
    times = [i / 90 for i in range(90)] + [1 + i / 10 for i in range(10)]
    centres = [s[1] for s in snippets(times, 4, 3)]
    assert [times[c] for c in centres] == pytest.approx([0.24, 0.72, 1.19, 1.67], abs=0.06)


@settings(max_examples=40, deadline=None)
@given(STEPS, st.integers(1, 32), st.integers(1, 33), st.booleans())
def test_snippets_are_consecutive_frames_of_the_clip(
    steps: list[float], segments: int, length: int, training: bool
) -> None:
    times = times_of(steps)
    rng = np.random.default_rng(0) if training else None
    found = snippets(times, segments, length, rng=rng)
    assert len(found) == segments
    for snippet in found:
        assert len(snippet) == length
        assert 0 <= snippet[0] <= snippet[-1] < len(times)
        jumps = np.diff(snippet)
        if len(times) >= length:
            assert (jumps == 1).all()
        else:
            assert set(jumps) <= {0, 1}
    middles = [s[(length - 1) // 2] for s in found]
    assert training or middles == sorted(middles)


@settings(max_examples=40, deadline=None)
@given(STEPS, st.integers(1, 32), st.floats(0, 1), st.floats(0.05, 1))
def test_segments_cut_a_range_into_equal_parts(
    steps: list[float], segments: int, where: float, share: float
) -> None:
    times = times_of(steps)
    whole = segment_bounds(times, 1)[0]
    span = whole[1] - whole[0]
    start = whole[0] + 0.9 * where * span
    found = segment_bounds(times, segments, start, start + share * span)
    assert found.shape == (segments, 2)
    np.testing.assert_allclose(found[1:, 0], found[:-1, 1])
    widths = found[:, 1] - found[:, 0]
    np.testing.assert_allclose(widths, widths[0], rtol=1e-6, atol=1e-9)
    assert found[0, 0] == pytest.approx(start)


def test_a_short_clip_repeats_its_edges_and_a_range_may_borrow_beyond() -> None:
    assert snippets([0.0], 2, 4) == [(0, 0, 0, 0)] * 2
    assert snippets([0.0, 0.1, 0.2, 0.3], 1, 6) == [(0, 1, 2, 3, 3, 3)]
    times = [i / 10 for i in range(50)]
    assert snippets(times, 1, 5, 2.0, 2.1) == [(18, 19, 20, 21, 22)]
    assert snippets(times, 1, 5, 0.0, 0.1) == [(0, 1, 2, 3, 4)]  # moved inwards


def test_training_takes_other_moments_each_time() -> None:
    times = [i / 25 for i in range(250)]
    rng = np.random.default_rng(1)
    drawn = [snippets(times, 3, 11, rng=rng) for _ in range(50)]
    for k, (low, high) in enumerate(segment_bounds(times, 3)):
        middles = np.array([times[d[k][5]] for d in drawn])
        assert middles.min() > low - 0.03
        assert middles.max() < high + 0.03
        assert np.ptp(middles) > 0.5 * (high - low)


def test_whole_clips_are_about_sixteen_frames() -> None:
    assert spread(8, 11) == [2, 8]
    assert spread(16, 11) == [5]
    assert spread(32, 11) == [5]
    assert spread(1, 11) == list(range(11))
    assert spread(3, 11) == [1, 3, 5, 7, 9]


@pytest.mark.parametrize(
    ("given", "word"),
    [
        (([],), "no frames"),
        (([0.0, 1.0], 0), "1 to 32"),
        (([0.0, 1.0], 33), "1 to 32"),
        (([0.0, 1.0], 8, 0), "at least one frame"),
        (([0.0, 1.0], 8, 11, 5.0), "5.00 s"),
        (([0.0, 1.0], 8, 11, 0.5, 0.5), "0.50 s"),
    ],
)
def test_a_mistake_gets_a_sentence(given: tuple[object, ...], word: str) -> None:
    with pytest.raises(MlError, match=word) as error:
        snippets(*given)
    assert error.value.detail.endswith(".")
