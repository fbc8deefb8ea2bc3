"""What generated clips share: cameras as matrices, the view of the middle frame, and warping.

A pose is 3 x 3, from coordinates in pixels from a centre to others of that kind.
"""

from __future__ import annotations

import math

import cv2
import numpy as np
import numpy.typing as npt

from ml.errors import MlError

Pixels = npt.NDArray[np.uint8]
Pose = npt.NDArray[np.float64]

FRAMES = 11  # a snippet's: ten flow fields between them
TILT = math.radians(12)  # the middle frame's angle, either way
CLOSER = 0.75  # the middle frame's scale is between this and 1 of the largest that fits
LEAST = 64  # px of a picture's shorter side


def turned(angle: float) -> Pose:
    """2 x 2: a turn in radians; with y downwards, clockwise."""
    return np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])


def shifted(x: float, y: float) -> Pose:
    """3 x 3: a shift in pixels."""
    return np.array([[1, 0, x], [0, 1, y], [0, 0, 1.0]])


def from_corner(width: int, height: int) -> Pose:
    """3 x 3: from a picture's pixels, counted from its first one, to pixels from its centre."""
    return np.array([[1, 0, -(width - 1) / 2], [0, 1, -(height - 1) / 2], [0, 0, 1]])


def middle_view(picture: Pixels, rng: np.random.Generator, farthest: float) -> Pose:
    """From the middle frame, about its centre, to the picture's pixels: the same for all labels.

    Args:
        picture: uint8 [H, W, 3]: what the camera sees.
        rng: Draws scale, angle and place.
        farthest: How far from the middle frame's centre a frame may see, in the frame's pixels;
            nothing outside the picture is then ever seen.

    Raises:
        MlError: The picture is under 64 px.
    """
    height, width = picture.shape[:2]
    if min(height, width) < LEAST:
        raise MlError(f"A picture that a camera moves over needs {LEAST} px on its shorter side.")
    scale = (min(width, height) / 2 - 1) / farthest * rng.uniform(CLOSER, 1.0)
    reach = scale * farthest
    middle = np.eye(3)
    middle[:2, :2] = scale * turned(rng.uniform(-TILT, TILT))
    middle[0, 2] = rng.uniform(reach, width - 1 - reach)
    middle[1, 2] = rng.uniform(reach, height - 1 - reach)
    return middle


def warped(picture: Pixels, to_picture: Pose, size: int) -> Pixels:
    """Return a frame, uint8 [size, size, 3], from where its pixels lie in the picture."""
    frame = cv2.warpAffine(
        picture,
        to_picture[:2],
        (size, size),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=(255, 0, 255),
    )
    return np.asarray(frame, np.uint8)


def put_on(frame: Pixels, card: Pixels, to_card: Pose) -> None:
    """Draw a card over a frame, in place; its edges are mixed with what is there."""
    size = (frame.shape[1], frame.shape[0])
    cv2.warpAffine(
        card,
        to_card[:2],
        size,
        dst=frame,
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_TRANSPARENT,
    )
