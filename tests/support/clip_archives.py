"""Small clips, encoded here."""

from __future__ import annotations

import io
from typing import cast

import av
import numpy as np
from av.video.stream import VideoStream


def clip_bytes(
    seed: int, move: tuple[int, int] = (1, 0), frames: int = 16, side: int = 64
) -> bytes:
    """An MP4 of a texture that no other seed makes, shifted by `move` px a frame (x, y)."""
    random = np.random.default_rng(seed)
    coarse = random.integers(0, 256, (16, 16, 3), dtype=np.uint8)
    texture = np.kron(coarse, np.ones((16, 16, 1), np.uint8))
    start = np.array([96, 96])
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as container:
        stream = cast(VideoStream, container.add_stream("mpeg4", rate=10))
        stream.width, stream.height, stream.pix_fmt = side, side, "yuv420p"
        stream.bit_rate = 2_000_000
        for n in range(frames):
            x, y = start - n * np.array(move)
            view = np.ascontiguousarray(texture[y : y + side, x : x + side])
            container.mux(stream.encode(av.VideoFrame.from_ndarray(view, "rgb24")))
        container.mux(stream.encode())
    return file.getvalue()


def clip_classes(
    count: int = 4, top: str = "", seed: int = 0, frames: int = 16
) -> dict[str, bytes]:
    """Clips of two classes that only motion tells apart: `left` and `right`."""
    return {
        f"{top}{name}/{n}.mp4": clip_bytes(seed + 100 * (dx < 0) + n, (dx, 0), frames)
        for name, dx in (("left", -3), ("right", 3))
        for n in range(count)
    }
