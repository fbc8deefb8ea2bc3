"""Clips of a known camera movement, made from any picture: what a motion stream must read.

The middle frame is drawn before the movement is: crop, scale and angle come from the same
distribution for every movement, and the movement unfolds evenly before and after that frame. So a
single middle frame reveals nothing of the label, and no border of the picture ever comes into view.
A hand's shake and a sensor's noise can be added: they are drawn alike for every movement.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import numpy.typing as npt

from ml.errors import MlError
from ml.networks.video.types import Stream

Pixels = npt.NDArray[np.uint8]

MOVEMENTS = (
    "still",
    "pan left",
    "pan right",
    "pan up",
    "pan down",
    "zoom in",
    "zoom out",
    "rotate left",
    "rotate right",
)
FRAMES = 11  # a snippet's: ten flow fields between them
PAN = (0.0022, 0.018)  # of the frame's side, for each frame: 0.5 to 4 px at 224 px
ZOOM = (0.005, 0.022)  # of the scale, for each frame: up to 0.6 to 2.5 px at the edge
TURN = (0.005, 0.022)  # radians for each frame: the same at the edge
SLOWEST = 0.25  # of the lowest rates, for clips from a hand
SHAKE = 0.006  # of the frame's side, either way, at most: 1.3 px at 224 px
NOISE = 8.0  # grey levels, the deviation, at most
TILT = math.radians(12)  # the middle frame's angle, either way
CLOSER = 0.75  # the middle frame's scale is between this and 1 of the largest that fits
LEAST = 64  # px of a picture's shorter side


@dataclass(frozen=True)
class Movement:
    """A movement by name, and how fast it is (see `PAN`, `ZOOM`, `TURN` for the units)."""

    name: str
    rate: float

    def pose(self, time: float, size: int) -> npt.NDArray[np.float64]:
        """3 x 3: where a pixel of the frame at `time` lies in the middle frame, from its centre.

        time: in frames from the middle one. The camera is what moves: when it pans left, the
        picture moves to the right.
        """
        kind, _, way = self.name.partition(" ")
        pose, done = np.eye(3), self.rate * time
        if kind == "pan":
            axis, sign = {"left": (0, -1), "right": (0, 1), "up": (1, -1), "down": (1, 1)}[way]
            pose[axis, 2] = sign * done * size
        elif kind == "zoom":
            pose[:2, :2] *= math.exp(-done if way == "in" else done)
        elif kind == "rotate":
            pose[:2, :2] = _turned(-done if way == "left" else done)
        return pose


def draw(name: str, rng: np.random.Generator, slowest: float = 1.0) -> Movement:
    """Return that movement at a random speed; MlError names the known ones.

    slowest: a factor on the lowest speed.
    """
    if name not in MOVEMENTS:
        raise MlError(f"There is no movement {name!r}. Known: {', '.join(MOVEMENTS)}.")
    low, high = {"pan": PAN, "zoom": ZOOM, "rotate": TURN}.get(name.split()[0], (0.0, 0.0))
    low *= slowest
    share = rng.random()  # drawn for `still` too, so that what is drawn next is the same for all
    return Movement(name, low * (high / low) ** share if low else 0.0)


def motion_clip(
    image: Pixels,
    movement: str | Movement,
    rng: np.random.Generator,
    *,
    frames: int = FRAMES,
    size: int = 224,
    shake: float = 0.0,
    noise: float = 0.0,
) -> Pixels:
    """Return uint8 [frames, size, size, 3]: a camera moving over `image`, uint8 [H, W, 3].

    Args:
        image: The picture.
        movement: One of `MOVEMENTS` at a random speed, or one with its speed.
        rng: Of all that is drawn.
        frames: How many; the middle one shows the same whatever the movement.
        size: The frames' side, px.
        shake: How far a hand shifts the frame from the movement's path at most, as a share of the
            side. What drifts over the clip is taken out of it: that would be a pan.
        noise: The deviation of normal noise on every value, in grey levels.

    Raises:
        MlError: The picture is under 64 px.
    """
    known = draw(movement, rng) if isinstance(movement, str) else movement
    if min(image.shape[:2]) < LEAST:
        raise MlError(f"A picture for camera motion needs {LEAST} px on its shorter side.")
    middle = _middle(image, rng, frames, size, shake)
    centre = np.array([[1, 0, -(size - 1) / 2], [0, 1, -(size - 1) / 2], [0, 0, 1]])
    times = np.arange(frames) - (frames - 1) // 2
    shifts = np.tile(np.eye(3), (frames, 1, 1))
    if shake:
        shifts[:, :2, 2] = shake * size * _tremor(rng, frames)
    poses = [
        middle.dot(shift).dot(known.pose(float(t), size)).dot(centre)
        for t, shift in zip(times, shifts, strict=True)
    ]
    clip = np.stack([_warped(image, pose, size) for pose in poses])
    if noise:
        noisy = clip + rng.normal(0, noise, clip.shape)
        clip = noisy.round().clip(0, 255).astype(np.uint8)
    return clip


def _tremor(rng: np.random.Generator, frames: int) -> npt.NDArray[np.float64]:
    """[frames, 2]: a hand's shifts in x and y, of length 1 at most; their fitted line is level.

    Each is the sum of three waves of 1 to 7 Hz at 25 frames per second.
    """
    time = np.arange(frames) - (frames - 1) / 2
    rate, phase = rng.uniform(0.04, 0.28, (3, 1, 2)), rng.uniform(0, 2 * np.pi, (3, 1, 2))
    waves = np.sin(2 * np.pi * rate * time[:, None] + phase).sum(0)
    waves -= waves.mean(0)
    waves -= time[:, None] * (time @ waves / max(1.0, time @ time))
    level: npt.NDArray[np.float64] = waves / max(1e-9, np.linalg.norm(waves, axis=1).max())
    return level


def _middle(
    image: Pixels, rng: np.random.Generator, frames: int, size: int, shake: float
) -> npt.NDArray[np.float64]:
    """3 x 3: from the middle frame, about its centre, to the picture; the same for all labels."""
    height, width = image.shape[:2]
    most = frames // 2
    farthest = size * (math.sqrt(0.5) * math.exp(ZOOM[1] * most) + PAN[1] * most + shake)
    scale = (min(width, height) / 2 - 1) / farthest * rng.uniform(CLOSER, 1.0)
    reach = scale * farthest
    middle = np.eye(3)
    middle[:2, :2] = scale * _turned(rng.uniform(-TILT, TILT))
    middle[0, 2] = rng.uniform(reach, width - 1 - reach)
    middle[1, 2] = rng.uniform(reach, height - 1 - reach)
    return middle


def _turned(angle: float) -> npt.NDArray[np.float64]:
    return np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])


def _warped(image: Pixels, to_picture: npt.NDArray[np.float64], size: int) -> Pixels:
    warped = cv2.warpAffine(
        image,
        to_picture[:2],
        (size, size),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=(255, 0, 255),
    )
    return np.asarray(warped, np.uint8)


def write_clip(path: Path, frames: Sequence[Pixels] | Pixels, fps: int = 25) -> None:
    """Write uint8 [H, W, 3] frames (even sides) as an H.264 file: MP4, MKV or what `path` says."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=Fraction(fps))
        stream.height, stream.width = frames[0].shape[:2]
        stream.pix_fmt = "yuv420p"
        stream.options = {"crf": "18", "preset": "veryfast"}
        for frame in frames:
            picture = av.VideoFrame.from_ndarray(np.ascontiguousarray(frame), format="rgb24")
            container.mux(stream.encode(picture))
        container.mux(stream.encode())


def pairs(first: Sequence[str], second: Sequence[str]) -> Iterator[str]:
    """Every "first, second", in the order in which `pair_index` counts them."""
    return (f"{one}, {other}" for one in first for other in second)


def pair_index(first: int, second: int) -> dict[Stream, tuple[int, ...]]:
    """Which of its own classes a stream scores for each pair: rgb the first, flow the second."""
    return {
        "rgb": tuple(i for i in range(first) for _ in range(second)),
        "flow": tuple(j for _ in range(first) for j in range(second)),
    }
