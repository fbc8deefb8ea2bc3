"""The whole table as one drawing, by matplotlib: for the command line, papers and downloads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from ml.errors import MlError
from ml.networks.types import FloatArray, Unit

Scale = Literal["map", "row", "shared", "absolute"]
TOPS: Mapping[str, float] = {"share": 8.0, "rollout": 8.0, "evidence": 20.0}
"""Top of the absolute scale times the map's places: of an even map, or in logits."""
COLUMNS = ("early", "medium", "late", "combined")
METHOD_TITLES = {
    "attention": "learnt mask",
    "rollout": "attention rollout",
    "gradcam": "Grad-CAM",
    "hirescam": "HiResCAM",
    "layercam": "LayerCAM",
    "xgradcam": "XGrad-CAM",
    "gradcampp": "Grad-CAM++",
}
RGB = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Row:
    """One model and method, with what the model says of the image.

    maps: stage or `combined` -> (h, w). unit: what the numbers of the stages' maps are.
    """

    title: str
    method: str
    unit: Unit
    caption: str
    maps: Mapping[str, FloatArray]

    @property
    def evidence(self) -> bool:
        """Whether the maps are for or against a class; their colours start at zero then."""
        return self.unit == "evidence"

    def unit_of(self, stage: str) -> Unit:
        """What the numbers of one of the maps are: only maps of one unit share a scale."""
        return "combined" if stage == "combined" else self.unit


def draw(
    rgb: RGB,
    rows: Sequence[Row],
    *,
    path: Path,
    format: Literal["png", "svg", "pdf"] = "png",  # noqa: A002
    colormap: str = "viridis",
    alpha: float = 0.55,
    scale: Scale = "map",
    title: str = "",
    aspect: float = 1.0,
) -> None:
    """Draw rows by stages over the image (H, W, 3) into `path` (png, svg or pdf).

    scale: `map` each its own range, `row` shared along a row, `shared` over all of one method,
    `absolute` fixed (as in the page; docs/api.md).
    aspect: width over height of the photo, to undo the squashing of `rgb` and the maps.
    """
    import matplotlib
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    cell = 1.5 / max(aspect, 0.5)  # inches high
    height = (cell + 0.12) * len(rows) + 0.75
    figure = Figure(figsize=(8.6, height), dpi=160, facecolor="white")
    FigureCanvasAgg(figure)
    grid = figure.add_gridspec(
        len(rows), 6, width_ratios=(1.35, 1, 1, 1, 1, 0.06), wspace=0.06, hspace=0.12 / cell,
        left=0.015, right=0.955, top=1 - 0.55 / height, bottom=0.15 / height,
    )  # fmt: skip
    for i, row in enumerate(rows):
        _label(figure.add_subplot(grid[i, 0]), row, cell)
        _draw_row(figure, grid, i, row, rows, rgb, (colormap, alpha, scale, aspect))
    if title:
        figure.suptitle(title, x=0.015, y=1 - 0.12 / height, ha="left", va="top", fontsize=10)
    with matplotlib.rc_context({"svg.hashsalt": "sightline"}):  # else its ids are drawn anew
        figure.savefig(path, format=format, metadata=UNDATED[format])


def _label(axes: Any, row: Row, cell: float) -> None:
    """Three lines beside the row: model, method, and what the model says."""
    axes.axis("off")
    lines: tuple[tuple[str, dict[str, Any]], ...] = (
        (row.title, {"fontsize": 9.5, "fontweight": "bold"}),
        (METHOD_TITLES.get(row.method, row.method), {"fontsize": 8.5}),
        (row.caption, {"fontsize": 8, "color": "#555555"}),
    )
    for line, (words, look) in enumerate(lines):
        axes.text(0, 1 - (0.1 + 0.19 * line) / cell, words, va="top", **look)


UNDATED: dict[str, dict[str, Any]] = {  # so that the same maps give the same file
    "png": {"Software": "Sightline"},
    "svg": {"Date": None},
    "pdf": {"CreationDate": None},
}


def _draw_row(
    figure: Any, grid: Any, i: int, row: Row, rows: Sequence[Row], rgb: RGB,
    look: tuple[str, float, Scale, float],
) -> None:  # fmt: skip
    colormap, alpha, scale, aspect = look
    extent = (0, aspect, 1, 0)
    drawn = None
    for j, stage in enumerate(COLUMNS):
        axes = figure.add_subplot(grid[i, j + 1])
        axes.set_xticks([])
        axes.set_yticks([])
        for spine in axes.spines.values():
            spine.set_visible(False)
        if i == 0:
            axes.set_title(stage, fontsize=9, pad=4)
        values = row.maps.get(stage)
        if values is None:
            continue
        low, high = _range(values, stage, row, rows, scale)
        axes.imshow(rgb, extent=extent)
        if row.evidence and values.max() <= 0:
            axes.text(aspect / 2, 0.5, "no positive\nevidence", ha="center", va="center",
                      fontsize=7, bbox={"facecolor": "white", "alpha": 0.8, "lw": 0})  # fmt: skip
            continue
        drawn = axes.imshow(
            values, cmap=colormap_named(colormap), vmin=low, vmax=high, alpha=alpha,
            interpolation="bilinear", extent=extent,
        )  # fmt: skip
        axes.text(0.03 * aspect, 0.96, f"{low:.2g} to {high:.2g}", fontsize=5.5, color="white",
                  bbox={"facecolor": "black", "alpha": 0.45, "lw": 0, "pad": 1})  # fmt: skip
    if drawn is not None:
        bar = figure.colorbar(drawn, cax=figure.add_subplot(grid[i, 5]), ticks=[])
        bar.set_label("low to high", fontsize=6)
        bar.outline.set_visible(False)


def _range(
    values: FloatArray, stage: str, row: Row, rows: Sequence[Row], scale: Scale
) -> tuple[float, float]:
    """Colour range by the scale's rule; evidence starts at zero, masks at their minimum."""
    unit = row.unit_of(stage)
    if scale == "absolute":
        top = TOPS.get(unit)
        return 0.0, 1.0 if top is None else top / values.size
    others: Sequence[Row] = {"map": [], "row": [row], "shared": rows}[scale]
    group = [values] + [
        m
        for other in others
        if other.method == row.method
        for s, m in other.maps.items()
        if other.unit_of(s) == unit
    ]
    low = 0.0 if row.evidence else min(float(m.min()) for m in group)
    return low, max(float(m.max()) for m in group)


def colormap_named(name: str) -> Any:
    """A matplotlib colormap by name; batlow and vik come from cmcrameri where it is installed."""
    import matplotlib

    if name in matplotlib.colormaps:
        return matplotlib.colormaps[name]
    from cmcrameri import cm

    if name not in cm.cmaps:
        raise MlError(f"There is no colormap {name!r}. Known are matplotlib's, batlow and vik.")
    return cm.cmaps[name]
