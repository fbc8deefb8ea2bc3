"""The contact sheet of a clip, by matplotlib: a row a model and stream, a column a snippet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from ml.figures.table import METHOD_TITLES, UNDATED, colormap_named
from ml.networks.types import FloatArray
from ml.networks.video.types import Pixels

CELL = 1.1  # inches wide
LABEL = 1.7
HEAD = 0.75
FOOT = 0.12


@dataclass(frozen=True)
class Strip:
    """One model and stream: maps [T, h, w], with what the model says.

    evidence: whether the maps are for or against a class; their colours start at zero then.
    """

    title: str
    stream: str
    caption: str
    maps: FloatArray
    evidence: bool


def draw(
    frames: Pixels,
    times: npt.NDArray[np.float64],
    strips: Sequence[Strip],
    *,
    path: Path,
    format: Literal["png", "svg", "pdf"] = "png",  # noqa: A002
    stage: str = "combined",
    method: str = "gradcam",
    colormap: str = "viridis",
    alpha: float = 0.55,
    title: str = "",
    aspect: float = 1.0,
) -> None:
    """Draw maps over the snippets' frames (K, S, S, 3), seen at `times` (s), into `path`.

    Each strip has one scale, so that its moments compare: evidence from 0, masks from their
    smallest value. A strip with other moments than the frames is drawn over the nearest ones.
    aspect: width over height of the clip, to undo the squashing.
    """
    import matplotlib
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    columns = len(frames)
    width, height = LABEL + CELL * columns, HEAD + FOOT + CELL / aspect * len(strips)
    figure = Figure(figsize=(width, height), dpi=160, facecolor="white")
    FigureCanvasAgg(figure)
    grid = figure.add_gridspec(
        len(strips), columns, wspace=0.04, hspace=0.06, left=LABEL / width, right=0.995,
        top=1 - HEAD / height, bottom=FOOT / height,
    )  # fmt: skip
    colours = colormap_named(colormap)
    for i, strip in enumerate(strips):
        low = 0.0 if strip.evidence else float(strip.maps.min())
        look = {"cmap": colours, "vmin": low, "vmax": max(float(strip.maps.max()), low + 1e-12)}
        for k, frame in enumerate(frames):
            axes = figure.add_subplot(grid[i, k])
            if k == 0:
                _label(axes, strip)
            if i == 0:
                axes.set_title(f"{times[k]:.2f} s", fontsize=7.5, pad=3)
            _cell(axes, frame, strip.maps[(2 * k + 1) * len(strip.maps) // (2 * columns)], look,
                  alpha, aspect)  # fmt: skip
    words = f"{title}    {METHOD_TITLES.get(method, method)}, {stage}".strip()
    figure.suptitle(words, x=0.1 / width, y=1 - 0.12 / height, ha="left", va="top", fontsize=10)
    with matplotlib.rc_context({"svg.hashsalt": "sightline"}):
        figure.savefig(path, format=format, metadata=UNDATED[format])


def _cell(
    axes: Any, frame: Pixels, values: FloatArray, look: dict[str, Any], alpha: float, aspect: float
) -> None:
    extent = (0, aspect, 1, 0)
    axes.set_xticks([])
    axes.set_yticks([])
    for spine in axes.spines.values():
        spine.set_visible(False)
    axes.imshow(frame, extent=extent)
    axes.imshow(values, alpha=alpha, interpolation="bilinear", extent=extent, **look)


def _label(axes: Any, strip: Strip) -> None:
    lines: tuple[tuple[str, dict[str, Any]], ...] = (
        (strip.title, {"fontsize": 8.5, "fontweight": "bold"}),
        (strip.stream, {"fontsize": 8}),
        (strip.caption, {"fontsize": 7.5, "color": "#555555"}),
    )
    for line, (words, look) in enumerate(lines):
        axes.annotate(
            words, (0, 1), xytext=(-(LABEL - 0.1) * 72, -9 - 12 * line), xycoords="axes fraction",
            textcoords="offset points", va="center", annotation_clip=False, **look,
        )  # fmt: skip
