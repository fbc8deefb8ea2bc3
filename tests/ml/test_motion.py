"""The camera moves as it is said to, and a single frame does not tell how."""

from __future__ import annotations

import math
from collections import Counter
from pathlib import Path

import cv2
import numpy as np
import pytest

from ml.__main__ import main
from ml.errors import MlError
from ml.media import flow
from ml.media.clip import read as clip
from ml.train.tasks.clips.camera_motion import (
    FRAMES,
    MOVEMENTS,
    PAN,
    SLOWEST,
    Movement,
    draw,
    motion_clip,
    pair_index,
    pairs,
    write_clip,
)
from ml.train.tasks.clips.data import list_clips
from tests.support import toy_images as toys

SIZE = 112
EVERY = pytest.mark.parametrize("name", MOVEMENTS)


def picture(seed: int = 0, height: int = 320, width: int = 400) -> np.ndarray:
    """Smooth blobs with much to hold on to."""
    coarse = np.random.default_rng(seed).integers(0, 255, (height // 8, width // 8, 3), np.uint8)
    return cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)


def moved(movement: Movement, x: float, y: float) -> tuple[float, float]:
    """Where what is at (x, y), px from the centre, is one frame later; said anew, for the test."""
    step = movement.rate * SIZE
    match movement.name.split():
        case ["pan", way]:
            dx, dy = {"left": (1, 0), "right": (-1, 0), "up": (0, 1), "down": (0, -1)}[way]
            return dx * step, dy * step
        case ["zoom", way]:
            factor = math.exp(movement.rate if way == "in" else -movement.rate) - 1
            return x * factor, y * factor
        case ["rotate", way]:
            # The camera turns left, so the picture turns right: clockwise, with y downwards.
            angle = movement.rate if way == "left" else -movement.rate
            turned = complex(x, y) * complex(math.cos(angle), math.sin(angle))
            return turned.real - x, turned.imag - y
    return 0.0, 0.0


@EVERY
def test_the_picture_moves_as_said(name: str) -> None:
    rate = {"pan": 0.012, "zoom": 0.016, "rotate": 0.016}.get(name.split()[0], 0.0)
    movement = Movement(name, rate)
    found = motion_clip(picture(), movement, np.random.default_rng(1), size=SIZE)
    fields = flow.dequantise(flow.stack(found)).mean(0)
    half = (SIZE - 1) / 2
    for x, y in ((-30, -20), (30, -20), (-30, 20), (30, 20)):
        seen = fields[:, round(y + half), round(x + half)]
        assert seen == pytest.approx(moved(movement, x, y), abs=0.25), (x, y)


def test_the_middle_frame_is_the_same_whatever_the_movement() -> None:
    middles = [
        motion_clip(picture(), name, np.random.default_rng(5), size=64)[FRAMES // 2]
        for name in MOVEMENTS
    ]
    for name, middle in zip(MOVEMENTS, middles, strict=True):
        assert np.array_equal(middle, middles[0]), name


@EVERY
def test_a_hand_adds_what_no_movement_is(name: str) -> None:
    """Shake has no drift, and the middle frame tells as little as without."""
    rate = {"pan": 0.012, "zoom": 0.016, "rotate": 0.016}.get(name.split()[0], 0.0)
    middles = []
    for seed in range(2):
        rng = np.random.default_rng(seed)
        found = motion_clip(picture(), Movement(name, rate), rng, size=SIZE, shake=0.01, noise=4)
        fields = flow.dequantise(flow.stack(found))
        offsets = np.cumsum([np.zeros((2, SIZE, SIZE)), *fields], axis=0)[
            :, :, 28:-28, 28:-28
        ].mean((2, 3))
        time = np.arange(FRAMES) - FRAMES // 2
        drift = (time @ offsets) / (time @ time)  # of the fitted line, px a frame
        assert drift == pytest.approx(moved(Movement(name, rate), 0.0, 0.0), abs=0.15)
        assert np.abs(np.diff(fields.mean((2, 3)), axis=0)).max() > 0.1  # it shakes
        assert (found != (255, 0, 255)).any(-1).all()  # and shows no border
        middles.append(found[FRAMES // 2])
    still = motion_clip(
        picture(), "still", np.random.default_rng(3), size=SIZE, shake=0.01, noise=4
    )
    named = motion_clip(picture(), name, np.random.default_rng(3), size=SIZE, shake=0.01, noise=4)
    assert np.array_equal(named[FRAMES // 2], still[FRAMES // 2])
    assert not np.array_equal(middles[0], middles[1])


def test_without_a_hand_a_seed_gives_the_clip_that_it_gave() -> None:
    for name in MOVEMENTS:
        old, new = np.random.default_rng(4), np.random.default_rng(4)
        before = motion_clip(picture(), name, old, size=64)
        assert np.array_equal(motion_clip(picture(), draw(name, new), new, size=64), before)
        slow = draw(name, np.random.default_rng(4), SLOWEST)
        assert slow.rate <= draw(name, np.random.default_rng(4)).rate


def test_only_what_stands_still_does_not_change() -> None:
    for name in MOVEMENTS:
        found = motion_clip(picture(), name, np.random.default_rng(2), size=64)
        assert np.array_equal(found[0], found[-1]) == (name == "still"), name


@EVERY
@pytest.mark.parametrize(
    ("height", "width", "frames"), [(64, 64, 11), (300, 120, 11), (90, 200, 60)]
)
def test_no_border_ever_shows(name: str, height: int, width: int, frames: int) -> None:
    bright = np.full((height, width, 3), (10, 250, 10), np.uint8)  # the border would be magenta
    for seed in range(6):
        rng = np.random.default_rng(seed)
        found = motion_clip(bright, name, rng, frames=frames, size=48)
        assert found.shape == (frames, 48, 48, 3)
        assert (found == (10, 250, 10)).all(), seed


def test_speed_and_start_are_drawn() -> None:
    one, other = (
        motion_clip(picture(), "pan left", np.random.default_rng(seed), size=64) for seed in (1, 2)
    )
    assert not np.array_equal(one[FRAMES // 2], other[FRAMES // 2])
    slow, fast = (
        flow.dequantise(flow.stack(motion_clip(picture(), Movement("pan left", rate), rng)))
        for rate, rng in zip(PAN, (np.random.default_rng(1), np.random.default_rng(1)), strict=True)
    )
    assert fast[:, 0].mean() > 4 * slow[:, 0].mean() > 0


def test_a_written_clip_is_read_again(tmp_path: Path) -> None:
    frames = motion_clip(picture(), "zoom in", np.random.default_rng(3), frames=20, size=96)
    path = tmp_path / "zoom.mp4"
    write_clip(path, frames, fps=20)
    assert clip.times(path) == pytest.approx(np.arange(20) / 20)
    read = clip.frames(path, [0, 10, 19], 96).astype(int)
    assert np.abs(read - frames[[0, 10, 19]]).mean() < 12


def test_a_command_writes_labelled_clips(tmp_path: Path) -> None:
    data, out = toys.folder(tmp_path / "toys", train=0, val=6, size=64), tmp_path / "moving"
    words = ["camera-clips", str(data), str(out), "--every", "2"]
    assert main(words) == 0
    files, classes = list_clips(out / "val")
    assert set(classes) < set(pairs(toys.CLASSES, MOVEMENTS))
    named = [classes[label] for label in files.labels]
    assert named == ["disc, pan left", "disc, pan right", "disc, still"] + [
        f"stripes, {movement}" for movement in ("pan down", "pan up", "zoom in")
    ]
    left = clip.frames(files.files[0], range(FRAMES), 224)
    assert flow.dequantise(flow.stack(left))[:, 0].mean() > 0.2  # to the right, as `moved` says
    assert main(words) == 2  # it writes into no folder that exists


def test_pairs_are_counted_as_they_are_named() -> None:
    names, index = tuple(pairs(("church", "tench"), MOVEMENTS)), pair_index(2, 9)
    assert names[0] == "church, still"
    assert names[-1] == "tench, rotate right"
    for name, one, other in zip(names, index["rgb"], index["flow"], strict=True):
        assert name == f"{('church', 'tench')[one]}, {MOVEMENTS[other]}"
    assert Counter(index["flow"]) == dict.fromkeys(range(9), 2)


def test_what_cannot_be_is_said() -> None:
    with pytest.raises(MlError, match="no movement 'sway'"):
        motion_clip(picture(), "sway", np.random.default_rng(0))
    with pytest.raises(MlError, match="64 px"):
        motion_clip(picture(height=56, width=400), "still", np.random.default_rng(0))
