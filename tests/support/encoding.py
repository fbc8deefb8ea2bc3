"""Photos and clips, encoded in memory."""

from __future__ import annotations

import io
from collections.abc import Iterable
from fractions import Fraction
from itertools import chain

import av
import numpy as np
from av.video.stream import VideoStream
from PIL import Image


def encode(image: Image.Image | np.ndarray, kind: str = "JPEG", **options: object) -> bytes:
    """Encode a picture, or uint8 pixels [H, W, 3], with Pillow's options."""
    file = io.BytesIO()
    picture = image if isinstance(image, Image.Image) else Image.fromarray(image)
    picture.save(file, kind, **options)  # type: ignore[arg-type]
    return file.getvalue()


def mp4(frames: Iterable[np.ndarray], rate: int, codec: str = "libx264", bits: int = 0) -> bytes:
    """Encode uint8 frames [H, W, 3] at `rate` per second, and `bits` per second if given."""
    rest = iter(frames)
    first = next(rest)
    options = {"preset": "ultrafast"} if codec == "libx264" else {}
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as container:
        stream = container.add_stream(codec, rate=rate, options=options)
        assert isinstance(stream, VideoStream)
        stream.height, stream.width = first.shape[:2]
        stream.pix_fmt = "yuv420p"
        if bits:
            stream.bit_rate = bits
        for number, pixels in enumerate(chain([first], rest)):
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels), "rgb24")
            frame.pts, frame.time_base = number, Fraction(1, rate)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return file.getvalue()
