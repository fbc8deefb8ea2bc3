"""Clips of a known camera movement, made from any picture: what a motion stream must read.

The middle frame is drawn before the movement is: crop, scale and angle come from the same
distribution for every movement, and the movement unfolds evenly before and after that frame. So a
single middle frame reveals nothing of the label, and no border of the picture ever comes into view.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from ml.errors import MlError
from ml.networks.video.types import Stream
from ml.train.tasks.clips.warps import (
    FRAMES,
    Pixels,
    Pose,
    from_corner,
    middle_view,
    turned,
    warped,
)

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
PAN = (0.0022, 0.018)  # of the frame's side, for each frame: 0.5 to 4 px at 224 px
ZOOM = (0.005, 0.022)  # of the scale, for each frame: up to 0.6 to 2.5 px at the edge
TURN = (0.005, 0.022)  # radians for each frame: the same at the edge


@dataclass(frozen=True)
class Movement:
    """A movement by name, and how fast it is (see `PAN`, `ZOOM`, `TURN` for the units)."""

    name: str
    rate: float

    def pose(self, time: float, size: int) -> Pose:
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
            pose[:2, :2] = turned(-done if way == "left" else done)
        return pose


def draw(name: str, rng: np.random.Generator) -> Movement:
    """Return that movement at a random speed; MlError names the known ones."""
    if name not in MOVEMENTS:
        raise MlError(f"There is no movement {name!r}. Known: {', '.join(MOVEMENTS)}.")
    low, high = {"pan": PAN, "zoom": ZOOM, "rotate": TURN}.get(name.split()[0], (0.0, 0.0))
    share = rng.random()  # drawn for `still` too, so that what is drawn next is the same for all
    return Movement(name, low * (high / low) ** share if low else 0.0)


def motion_clip(
    image: Pixels,
    movement: str | Movement,
    rng: np.random.Generator,
    *,
    frames: int = FRAMES,
    size: int = 224,
) -> Pixels:
    """Return uint8 [frames, size, size, 3]: a camera moving over `image`, uint8 [H, W, 3].

    movement: one of `MOVEMENTS` at a random speed, or one with its speed. MlError for a picture
    under 64 px.
    """
    known = draw(movement, rng) if isinstance(movement, str) else movement
    most = frames // 2
    farthest = size * (math.sqrt(0.5) * math.exp(ZOOM[1] * most) + PAN[1] * most)
    middle, centre = middle_view(image, rng, farthest), from_corner(size, size)
    times = np.arange(frames) - (frames - 1) // 2
    poses = [middle.dot(known.pose(float(t), size)).dot(centre) for t in times]
    return np.stack([warped(image, pose, size) for pose in poses])


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
