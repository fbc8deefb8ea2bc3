"""From a decoded frame to upright 8-bit RGB."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import numpy.typing as npt
from av.sidedata.sidedata import Type
from av.video.frame import VideoFrame
from av.video.reformatter import Colorspace, Interpolation, VideoReformatter

UNSPECIFIED = 2  # FFmpeg's number of "the file does not say"
HD_HEIGHT = 720  # from here on players assume BT.709 if the file does not say
SCALING = Interpolation.AREA  # antialiased, and in half of the time of bilinear


class Converter:
    """Scales and converts frames of one clip to `width` x `height`, upright.

    It scales first and turns last, so that the large picture is read only once.
    """

    def __init__(self, width: int, height: int) -> None:
        self._size = (width, height)
        self._reformatter = VideoReformatter()

    def array(self, frame: VideoFrame) -> npt.NDArray[np.uint8]:
        """Return the frame, uint8 [height, width, 3]; it is a view, not contiguous."""
        turn = orientation(frame)
        width, height = reversed(self._size) if turn[0] == 0 else self._size
        scaled = self._reformatter.reformat(
            frame,
            width,
            height,
            "rgb24",
            src_colorspace=_matrix(frame),
            dst_color_range="JPEG",
            interpolation=SCALING,
            threads=1,
        )
        plane = scaled.planes[0]
        rows = np.frombuffer(memoryview(plane), np.uint8).reshape(height, plane.line_size)
        pixels = rows[:, : width * 3].reshape(height, width, 3)
        return upright(pixels, turn)


Matrix = tuple[int, int, int, int]
IDENTITY: Matrix = (1, 0, 0, 1)


def orientation(frame: VideoFrame) -> Matrix:
    """Return the display matrix's signs (a, b, c, d): x' = ax + cy, y' = bx + dy, in quarters."""
    side_data: Any = frame.side_data
    data = side_data.get(Type.DISPLAYMATRIX)
    if data is None:
        return IDENTITY
    a, b, _, c, d = np.frombuffer(bytes(data), "=i4")[:5].tolist()
    if abs(b) + abs(c) > abs(a) + abs(d):
        return 0, _sign(b), _sign(c), 0
    return _sign(a), 0, 0, _sign(d)


def _sign(value: int) -> int:
    return -1 if value < 0 else 1


def upright(pixels: npt.NDArray[np.uint8], matrix: Matrix) -> npt.NDArray[np.uint8]:
    """Turn and mirror an array [h, w, 3] as the matrix says."""
    a, b, c, d = matrix
    if a == 0:
        pixels, a, d = pixels.transpose(1, 0, 2), c, b
    return pixels[:: 1 if d > 0 else -1, :: 1 if a > 0 else -1]


def shown_size(frame: VideoFrame, aspect: float) -> tuple[int, int]:
    """Return the width and height to show: square pixels, upright. `aspect` is a pixel's."""
    width, height = frame.width, frame.height
    if aspect > 1:
        width = round(width * aspect)
    elif 0 < aspect < 1:
        height = round(height / aspect)
    return (height, width) if orientation(frame)[0] == 0 else (width, height)


def jpeg(frame: VideoFrame, size: tuple[int, int], side: int) -> bytes:
    """Return the frame as an upright JPEG of `size`, or as large as fits into `side` pixels."""
    from PIL import Image

    scale = min(1.0, side / max(size))
    width, height = (max(1, round(length * scale)) for length in size)
    image = Image.fromarray(np.ascontiguousarray(Converter(width, height).array(frame)))
    out = io.BytesIO()
    image.save(out, "JPEG", quality=88)
    return out.getvalue()


def _matrix(frame: VideoFrame) -> int | None:
    if frame.colorspace == UNSPECIFIED and min(frame.width, frame.height) >= HD_HEIGHT:
        return Colorspace.ITU709
    return None
