"""A clip with one track of maps over it, as a film: written frame by frame, memory stays flat."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Literal

import av
import cv2
import numpy as np
import numpy.typing as npt
from av.video.stream import VideoStream

from ml.figures.table import Style, colormap_named, grey
from ml.networks.types import FloatArray
from ml.networks.video.types import Pixels, Seconds

Format = Literal["mp4", "webm"]
LONGEST, SHORTEST = 1280, 720  # pixels: at most 720p, or that on its side
CODECS = {"mp4": "libx264", "webm": "libvpx-vp9"}
OPTIONS = {
    "mp4": {"preset": "veryfast", "crf": "20", "movflags": "+faststart"},
    "webm": {"deadline": "realtime", "cpu-used": "8", "crf": "30", "b:v": "0", "row-mt": "1"},
}
CLOCK = {"mp4": Fraction(1, 90_000), "webm": Fraction(1, 1000)}


@dataclass(frozen=True)
class Layer:
    """What is drawn over the clip: maps (T, h, w) at `times` (s), `low` to `high` in colours.

    `raw`: always the nearest map; otherwise a mixture of both neighbours.
    """

    maps: FloatArray
    times: Seconds
    low: float
    high: float
    style: Style
    raw: bool = False

    def at(self, moment: float) -> npt.NDArray[np.float32]:
        """Return the map at a moment, 0 to 1: linear between its neighbours, still at the ends."""
        after = int(np.searchsorted(self.times, moment))
        if after == 0 or after == len(self.times):
            values = self.maps[min(after, len(self.times) - 1)]
        else:
            early, late = self.times[after - 1], self.times[after]
            share = (moment - early) / (late - early)
            share = float(share >= 0.5) if self.raw else share
            values = (1 - share) * self.maps[after - 1] + share * self.maps[after]
        span = max(self.high - self.low, 1e-12)
        scaled: npt.NDArray[np.float32] = ((values - self.low) / span).clip(0, 1)
        return scaled.astype(np.float32)


def sides(width: int, height: int) -> tuple[int, int]:
    """Return the film's width and height: even, at most 720p, the clip's own where smaller."""
    scale = min(1.0, LONGEST / max(width, height), SHORTEST / min(width, height))
    across, down = (max(2, round(side * scale / 2) * 2) for side in (width, height))
    return across, down


def write(
    path: Path, kind: Format, size: tuple[int, int], frames: Iterable[tuple[float, Pixels]],
    layer: Layer,
) -> None:  # fmt: skip
    """Write `frames` (presentation time in s, RGB of any size) with the layer over them."""
    table = _table(layer.style.colormap)
    clock = CLOCK[kind]
    began: float | None = None
    with av.open(str(path), "w", format=kind, options={"movflags": "+faststart"}) as container:
        stream = container.add_stream(CODECS[kind], options=OPTIONS[kind])
        assert isinstance(stream, VideoStream)
        stream.width, stream.height = size
        stream.pix_fmt = "yuv420p"
        stream.time_base = stream.codec_context.time_base = clock
        for moment, rgb in frames:
            began = moment if began is None else began
            drawn = av.VideoFrame.from_ndarray(_blend(rgb, moment, size, layer, table), "rgb24")
            drawn.pts, drawn.time_base = round((moment - began) / clock), clock
            container.mux(stream.encode(drawn))
        container.mux(stream.encode(None))


def _blend(
    rgb: Pixels, moment: float, size: tuple[int, int], layer: Layer, table: Pixels
) -> Pixels:
    style = layer.style
    below = cv2.resize(grey(rgb) if style.grey else rgb, size, interpolation=cv2.INTER_AREA)
    how = cv2.INTER_LINEAR if style.smooth else cv2.INTER_NEAREST
    values = cv2.resize(layer.at(moment), size, interpolation=how)
    colours = table[(values * 255 + 0.5).astype(np.uint8)]
    blended = cv2.addWeighted(below, 1 - style.alpha, colours, style.alpha, 0)
    if style.threshold:
        far = np.abs(2 * values - 1) if style.signed else values
        blended = np.where((far >= style.threshold)[..., None], blended, below)
    return blended.astype(np.uint8, copy=False)


def _table(name: str) -> Pixels:
    """The colormap's 256 colours."""
    colours = np.asarray(colormap_named(name)(np.linspace(0, 1, 256)))[:, :3]
    rgb: Pixels = (colours * 255 + 0.5).astype(np.uint8)
    return rgb
