"""Optical flow on motion that is known, and how it is kept."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from ml.errors import MlError
from ml.media import flow

ROOT = Path(__file__).parents[2]
SIDE, EDGE = 224, 24
Map = Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]


def shift(dx: float, dy: float) -> Map:
    return lambda x, y: (x + dx, y + dy)


def zoom(factor: float) -> Map:
    return lambda x, y: (factor * x, factor * y)


def turn(angle: float) -> Map:
    c, s = np.cos(angle), np.sin(angle)
    return lambda x, y: (c * x - s * y, s * x + c * y)


MOTIONS = {
    "right and up": shift(2.3, -1.6),
    "far left": shift(-11.5, 4.0),
    "zoom in": zoom(1.05),
    "zoom out": zoom(0.96),
    "turn": turn(0.05),
    "turn back": turn(-0.04),
}
BOUNDS = {"dis": 0.6, "farneback": 2.5}  # mean end-point error, px


@pytest.fixture(scope="module")
def photo() -> np.ndarray:
    path = ROOT / "static" / "examples" / "golf-ball.jpg"
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB").resize((2 * SIDE, 2 * SIDE)))


def moved(photo: np.ndarray, motion: Map) -> tuple[np.ndarray, np.ndarray]:
    """Two frames between which the photo's middle moves so, and the true flow [S, S, 2]."""
    middle = (SIDE - 1) / 2
    y, x = np.mgrid[:SIDE, :SIDE] - middle
    there_x, there_y = motion(x, y)
    back_x, back_y = x.copy(), y.copy()
    for _ in range(40):  # where each pixel of the second frame comes from
        now_x, now_y = motion(back_x, back_y)
        back_x, back_y = back_x - (now_x - x), back_y - (now_y - y)
    offset = SIDE - 0.5
    frames = [
        cv2.remap(photo, (a + offset).astype("f4"), (b + offset).astype("f4"), cv2.INTER_LINEAR)
        for a, b in ((x, y), (back_x, back_y))
    ]
    return np.stack(frames), np.stack([there_x - x, there_y - y], -1)


@pytest.mark.parametrize("method", BOUNDS)
@pytest.mark.parametrize("name", MOTIONS)
def test_known_motion_is_found(photo: np.ndarray, name: str, method: str) -> None:
    frames, truth = moved(photo, MOTIONS[name])
    found = flow.between(*frames, method)
    error = np.hypot(*np.moveaxis(found - truth, -1, 0))[EDGE:-EDGE, EDGE:-EDGE]
    still = np.hypot(*np.moveaxis(truth, -1, 0))[EDGE:-EDGE, EDGE:-EDGE]
    assert error.mean() < BOUNDS[method]
    assert error.mean() < still.mean() / 3, "little better than no answer"


def test_a_stack_is_the_flow_between_neighbours_rounded(photo: np.ndarray) -> None:
    frames = np.stack([moved(photo, shift(step, -step))[0][1] for step in (0, 2, 5, 7)])
    stacked = flow.stack(frames)
    assert stacked.shape == (3, 2, SIDE, SIDE)
    for place in range(3):
        wanted = flow.quantise(flow.between(frames[place], frames[place + 1]))
        differ = np.abs(stacked[place] - wanted.transpose(2, 0, 1).astype(int))
        assert differ.max() <= 1, "but for what lies between two steps"
        assert differ.mean() < 1e-4
    middle = flow.dequantise(stacked)[:, :, 60:160, 60:160].mean((2, 3))
    assert np.allclose(middle, [[2, -2], [3, -3], [2, -2]], atol=0.4)


def test_snippets_are_told_of_one_by_one(photo: np.ndarray) -> None:
    frames = np.stack([moved(photo, shift(step, 0))[0] for step in (1, 3)])
    heard: list[tuple[int, int]] = []
    stacked = flow.stack(frames, report=lambda done, total: heard.append((done, total)))
    assert heard == [(1, 2), (2, 2)]
    assert np.array_equal(stacked[1], flow.stack(frames[1]))


def test_bytes_hold_twenty_pixels_either_way() -> None:
    values = np.array([0.0, 1.0, -1.0, 19.9, -20.0, 300.0, -300.0], np.float32)
    kept = flow.quantise(values)
    assert kept.tolist() == [128, 134, 122, 255, 0, 255, 0]
    back = flow.dequantise(kept)
    assert np.abs(back - np.clip(values, -20, 20)).max() <= 0.5 / flow.STEPS + 0.08
    assert back[0] == 0


def test_large_motion_is_clipped_in_a_stack_as_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    ramp = np.linspace(-60, 60, 32 * 32 * 2, dtype=np.float32).reshape(32, 32, 2)
    monkeypatch.setitem(flow.METHODS, "ramp", lambda: lambda _one, _other: ramp)
    stacked = flow.stack(np.zeros((2, 32, 32, 3), np.uint8), "ramp")
    differ = np.abs(stacked[0] - flow.quantise(ramp).transpose(2, 0, 1).astype(int))
    assert differ.max() <= 1
    assert (stacked.min(), stacked.max()) == (0, 255)


def test_an_unknown_method_is_told_with_the_known_ones() -> None:
    with pytest.raises(MlError, match="no flow method horn here; there are dis, farneback"):
        flow.between(np.zeros((32, 32), np.uint8), np.zeros((32, 32), np.uint8), "horn")
