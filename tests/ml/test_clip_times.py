"""Every frame is the one asked for, at its own time: the clips say themselves which it is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ml.media.clip import decode, read
from ml.media.clip.open import ClipLimits
from ml.media.clip.scan import scan
from tests.support.clip_files import EVEN, KINDS, make, number, uneven

FRAMES = 70
SETS = {
    "snippets": [3, 4, 5, 6, 30, 31, 32, 60, 61],
    "one late": [69],
    "first": [0],
    "all": list(range(FRAMES)),
    "scattered": [0, 1, 11, 12, 24, 25, 26, 49, 50, 68],
}


def clip_of(folder: Path, name: str) -> tuple[Path, list[float]]:
    """A clip at variable rate, where its container knows one, and its true times."""
    kind = KINDS[name]
    times = list(range(FRAMES)) if name in EVEN else uneven(FRAMES, kind.unit)
    return make(folder, kind, times), [float(at * kind.unit) for at in times]


@pytest.mark.parametrize("name", KINDS)
def test_every_frame_is_the_one_asked_for_and_its_time_true(tmp_path: Path, name: str) -> None:
    path, times = clip_of(tmp_path, name)
    assert np.abs(read.times(path) - times).max() < 1e-6
    for wanted in SETS.values():
        squares = read.frames(path, wanted, 96)
        assert squares.shape == (len(wanted), 96, 96, 3)
        assert [number(square) for square in squares] == wanted


@pytest.mark.parametrize(
    ("name", "needed"), [("h264 mov", 12), ("open gop", 14), ("mpeg4 mp4", 28), ("mjpeg mov", 1)]
)
def test_decoding_begins_at_the_key_frame_before(tmp_path: Path, name: str, needed: int) -> None:
    """And ends with the frame: at most one group of pictures is decoded for one frame."""
    found = scan(clip_of(tmp_path, name)[0], ClipLimits())
    for pts in found.pts:
        plan = decode.decode_plan(found, {pts})
        assert 1 <= sum(plan.needed) <= needed
        assert found.keys[plan.needed.index(True)]
        assert plan.last == found.order.index(pts)


@pytest.mark.parametrize("flip", [False, True], ids=["", "mirrored"])
@pytest.mark.parametrize("rotation", [90, 180, 270])
def test_turned_clips_come_upright(tmp_path: Path, rotation: int, flip: bool) -> None:
    path = make(tmp_path, KINDS["h264 mp4"], [0, 40, 90], rotation=rotation, flip=flip)
    assert [number(square) for square in read.frames(path, [0, 1, 2], 96)] == [0, 1, 2]
    facts, _ = read.inspect(path)
    assert (facts.width, facts.height) == (128, 96)


def test_a_clip_that_does_not_begin_at_nought(tmp_path: Path) -> None:
    times = [500, 540, 600, 610]
    path = make(tmp_path, KINDS["hevc mkv"], times)
    assert np.allclose(read.times(path), [0, 0.04, 0.1, 0.11], atol=0.002)
    assert [number(square) for square in read.frames(path, [1, 3], 96)] == [1, 3]


def test_numbers_beyond_the_clip_are_an_error(tmp_path: Path) -> None:
    with pytest.raises(IndexError):
        read.frames(make(tmp_path, KINDS["h264 mp4"], [0, 40]), [2], 96)
