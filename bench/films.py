"""Synthetic clips for timings: a camera moves over a textured picture; encoded as phones do."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
from av.video.stream import VideoStream

RATE = 30
KEY_FRAMES = 60  # interval in frames


def write(path: Path, size: tuple[int, int], seconds: float, seed: int = 0) -> Path:
    """Write an H.264 MP4 at 30 frames per second; return `path`."""
    random = np.random.default_rng(seed)
    width, height = size
    coarse = random.integers(0, 255, (height // 12, width // 12, 3), np.uint8)
    ground = cv2.resize(coarse, (2 * width, 2 * height), interpolation=cv2.INTER_CUBIC)
    options = {"preset": "ultrafast", "g": str(KEY_FRAMES)}
    with av.open(str(path), "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=RATE, options=options)
        assert isinstance(stream, VideoStream)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for n in range(round(RATE * seconds)):
            angle = n / RATE
            x = round(width / 2 * (1 + np.sin(angle)))
            y = round(height / 2 * (1 + np.cos(0.7 * angle)))
            view = np.ascontiguousarray(ground[y : y + height, x : x + width])
            frame = av.VideoFrame.from_ndarray(view, "rgb24")
            frame.pts, frame.time_base = n, Fraction(1, RATE)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path
