"""From a decoded frame to upright 8-bit RGB."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import numpy.typing as npt
from av.sidedata.sidedata import Type
from av.video.frame import VideoFrame
from av.video.reformatter import Colorspace, Interpolation, VideoReformatter
from PIL import Image

from ml.media.clip.colours import HDR, for_screen, has_alpha, over_white
from ml.media.clip.source import Picture

UNSPECIFIED = 2  # FFmpeg's number of "the file does not say"
HD_HEIGHT = 720  # from here on players assume BT.709 if the file does not say
SAME_SHAPE = 0.02  # proportions that differ by less are the same
SCALING = Interpolation.AREA  # antialiased, and in half of the time of bilinear


class Converter:
    """Scales and converts frames of one clip to `width` x `height`, upright.

    A frame of another shape than the clip's, `shape` before it is turned, gets black bars. It
    scales first and turns last, so that the large picture is read only once.
    """

    def __init__(self, width: int, height: int, shape: tuple[float, float] | None = None) -> None:
        self._size = (width, height)
        self._shape = shape
        self._reformatter = VideoReformatter()

    def array(self, picture: Picture) -> npt.NDArray[np.uint8]:
        """Return the frame, uint8 [height, width, 3]; it may be a view, not contiguous."""
        turn = orientation(picture.frame)
        whole = self._size if turn[0] else (self._size[1], self._size[0])
        width, height = inside(whole, picture, self._shape)
        pixels = self._scaled(picture, width, height)
        if picture.frame.color_trc in HDR:
            pixels = for_screen(pixels, picture.frame.color_trc)
        if (width, height) != whole:
            pixels = _barred(pixels, whole)
        return upright(pixels, turn)

    def _scaled(self, picture: Picture, width: int, height: int) -> npt.NDArray[np.uint8]:
        frame, matrix = picture.frame, _matrix(picture.frame)
        if has_alpha(frame) and not picture.opaque:
            frame = VideoFrame.from_ndarray(over_white(_rgba(frame, matrix)), "rgb24")
            matrix = None
        scaled = self._reformatter.reformat(
            frame,
            width,
            height,
            "rgb24",
            src_colorspace=matrix,
            dst_color_range="JPEG",
            interpolation=SCALING,
            threads=1,
        )
        plane = scaled.planes[0]
        rows = np.frombuffer(memoryview(plane), np.uint8).reshape(height, plane.line_size)
        return rows[:, : width * 3].reshape(height, width, 3)


def is_transparent(picture: Picture) -> bool:
    """Return true if some pixel of the frame is transparent in part."""
    if picture.opaque or not has_alpha(picture.frame):
        return False
    return bool(_rgba(picture.frame, _matrix(picture.frame))[..., 3].min() < 255)


def _rgba(frame: VideoFrame, matrix: int | None) -> npt.NDArray[np.uint8]:
    """Return the frame as it is stored, uint8 [h, w, 4]."""
    whole = frame.reformat(format="rgba", src_colorspace=matrix, dst_color_range="JPEG")
    pixels = np.asarray(whole.to_ndarray(), np.uint8)
    if frame.format.name == "pal8" and not pixels[..., 3].any():
        pixels[..., 3] = 255  # a palette that has no transparency
    return pixels


def _barred(pixels: npt.NDArray[np.uint8], size: tuple[int, int]) -> npt.NDArray[np.uint8]:
    """Return the pixels in the middle of a black picture of this width and height."""
    height, width = pixels.shape[:2]
    left, top = (size[0] - width) // 2, (size[1] - height) // 2
    whole = np.zeros((size[1], size[0], 3), np.uint8)
    whole[top : top + height, left : left + width] = pixels
    return whole


def inside(
    size: tuple[int, int], picture: Picture, shape: tuple[float, float] | None
) -> tuple[int, int]:
    """Return the width and height of a frame in a picture of `size` that shows a clip of `shape`.

    All are before turning.
    """
    if shape is None or not deforms(picture, shape):
        return size
    wide = _ratio(picture) / (shape[0] / shape[1])
    width, height = size[0] * min(1.0, wide), size[1] * min(1.0, 1 / wide)
    return max(1, round(width)), max(1, round(height))


def deforms(picture: Picture, shape: tuple[float, float]) -> bool:
    """Return true if a frame has another shape than the clip, by more than rounding.

    A clip whose header does not say how large it is has no shape to differ from.
    """
    return min(shape) > 0 and abs(_ratio(picture) / (shape[0] / shape[1]) - 1) > SAME_SHAPE


def _ratio(picture: Picture) -> float:
    return picture.frame.width * picture.aspect / picture.frame.height


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


def shown_size(picture: Picture, shape: tuple[float, float] | None = None) -> tuple[int, int]:
    """Return the width and height to show a clip at: square pixels, upright.

    No pixel of the frame is lost. If the clip's `shape` is another one, that is given, around it.
    """
    width, height = float(picture.frame.width), float(picture.frame.height)
    if picture.aspect > 1:
        width *= picture.aspect
    else:
        height /= picture.aspect
    if shape is not None and deforms(picture, shape):
        scale = max(width / shape[0], height / shape[1])
        width, height = shape[0] * scale, shape[1] * scale
    upside = round(width), round(height)
    return (upside[1], upside[0]) if orientation(picture.frame)[0] == 0 else upside


def jpeg(picture: Picture, size: tuple[int, int], side: int, shape: tuple[float, float]) -> bytes:
    """Return the frame as an upright JPEG of `size`, or as large as fits into `side` pixels."""
    scale = min(1.0, side / max(size))
    width, height = (max(1, round(length * scale)) for length in size)
    pixels = np.ascontiguousarray(Converter(width, height, shape).array(picture))
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "JPEG", quality=88)
    return out.getvalue()


def _matrix(frame: VideoFrame) -> int | None:
    if frame.colorspace == UNSPECIFIED and min(frame.width, frame.height) >= HD_HEIGHT:
        return Colorspace.ITU709
    return None
