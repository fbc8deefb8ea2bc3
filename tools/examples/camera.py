"""A clip: a camera that waits, pans right, zooms in and turns left, over a picture drawn here."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from ml.train.tasks.clips.camera_motion import Movement, write_clip

FPS = 25
WIDTH, HEIGHT = 480, 360
SCALE = 1.15  # pixels of the picture in one of the clip, at the start
START = (290.0, 470.0)  # the camera's centre in the picture
TAKES = (("still", 1.2, 0.0), ("pan right", 1.6, 0.009), ("zoom in", 1.6, 0.011))
LAST = ("rotate left", 1.6, 0.012)


def poses() -> Iterator[npt.NDArray[np.float64]]:
    """Yield, frame by frame, where a point of the frame (from its centre) lies in the picture."""
    pose = np.array([[SCALE, 0, START[0]], [0, SCALE, START[1]], [0, 0, 1]])
    for name, seconds, rate in (*TAKES, LAST):
        step = Movement(name, rate).pose(1.0, HEIGHT)
        for _ in range(round(seconds * FPS)):
            yield pose
            pose = pose @ step


def frame(picture: Image.Image, pose: npt.NDArray[np.float64]) -> Image.Image:
    """Return what the camera sees."""
    from_corner = pose @ np.array([[1, 0, -WIDTH / 2], [0, 1, -HEIGHT / 2], [0, 0, 1]])
    return picture.transform(
        (WIDTH, HEIGHT),
        Image.Transform.AFFINE,
        tuple(from_corner[:2].ravel()),
        Image.Resampling.BICUBIC,
    )


def film(picture: Image.Image, path: Path) -> Image.Image:
    """Write the clip; return its poster."""
    frames = [frame(picture, pose) for pose in poses()]
    write_clip(path, [np.asarray(one.convert("RGB")) for one in frames], FPS)
    return frames[len(frames) // 2]
