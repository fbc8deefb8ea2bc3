"""Maps as one drawing, by matplotlib: the table of a photo, the contact sheet of a clip."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from ml.errors import MlError
from ml.networks.types import FloatArray, Unit

Scale = Literal["map", "row", "shared", "absolute"]
Format = Literal["png", "svg", "pdf"]
RGB = npt.NDArray[np.uint8]
TOPS: Mapping[str, float] = {"share": 8.0, "rollout": 8.0, "evidence": 20.0}
"""Top of the absolute scale times the map's places: of an even map, or in logits."""
UNDATED: dict[str, dict[str, Any]] = {  # so that the same maps give the same file
    "png": {"Software": "Sightline"},
    "svg": {"Date": None},
    "pdf": {"CreationDate": None},
}
LABEL, BAR, HEAD, FOOT = 1.85, 0.35, 0.6, 0.15  # inches
WIDE, NARROW, MOST_WIDE = 1.45, 1.1, 4  # inches a cell is wide, in at most 4 columns or in more


@dataclass(frozen=True)
class Cell:
    """A map [h, w] and what its numbers are: only maps of one unit share a scale."""

    values: FloatArray
    unit: Unit


@dataclass(frozen=True)
class Row:
    """One model and method, or one model and stream, with what the model says.

    evidence: whether the maps are for or against a class; their colours start at zero then.
    cells: one a column, None where there is no map.
    """

    title: str
    subtitle: str
    caption: str
    evidence: bool
    cells: Sequence[Cell | None]


@dataclass(frozen=True)
class Style:
    """How maps are drawn.

    scale: `map` each its own range, `row` shared along a row, `shared` over all rows of one
    subtitle, `absolute` fixed (as in the page; docs/api.md).
    """

    colormap: str = "viridis"
    alpha: float = 0.55
    scale: Scale = "map"


def draw(
    rows: Sequence[Row],
    columns: Sequence[tuple[str, RGB]],
    path: Path,
    format: Format,  # noqa: A002
    style: Style,
    *,
    title: str = "",
    aspect: float = 1.0,
) -> None:
    """Draw rows of maps into a file.

    Args:
        rows: What is drawn, from top to bottom.
        columns: A heading and the picture (H, W, 3) below the maps, for each.
        path: The file.
        format: Its format.
        style: Colours and scale.
        title: Stands above.
        aspect: Width over height of the photo or clip, to undo the squashing.
    """
    import matplotlib
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    wide = WIDE if len(columns) <= MOST_WIDE else NARROW
    cell = wide / max(aspect, 0.5)  # inches high
    width, height = LABEL + wide * len(columns) + BAR, HEAD + (cell + 0.12) * len(rows) + FOOT
    figure = Figure(figsize=(width, height), dpi=160, facecolor="white")
    FigureCanvasAgg(figure)
    grid = figure.add_gridspec(
        len(rows), len(columns) + 1, width_ratios=(*[1] * len(columns), 0.06), wspace=0.06,
        hspace=0.12 / cell, left=LABEL / width, right=1 - 0.25 / width,
        top=1 - HEAD / height, bottom=FOOT / height,
    )  # fmt: skip
    for i, row in enumerate(rows):
        drawn = None
        for j, (heading, rgb) in enumerate(columns):
            axes = _axes(figure.add_subplot(grid[i, j]))
            if i == 0:
                axes.set_title(heading, fontsize=9, pad=4)
            if j == 0:
                _label(axes, row)
            if (shown := row.cells[j]) is not None:
                ends = _range(shown, row, rows, style.scale)
                drawn = _draw_cell(axes, rgb, shown, row, ends, style, aspect) or drawn
        if drawn is not None:
            bar = figure.colorbar(drawn, cax=figure.add_subplot(grid[i, -1]), ticks=[])
            bar.set_label("low to high", fontsize=6)
            bar.outline.set_visible(False)
    if title:
        figure.suptitle(title, x=0.1 / width, y=1 - 0.12 / height, ha="left", va="top", fontsize=10)
    with matplotlib.rc_context({"svg.hashsalt": "sightline"}):  # else its ids are drawn anew
        figure.savefig(path, format=format, metadata=UNDATED[format])


def _axes(axes: Any) -> Any:
    axes.set_xticks([])
    axes.set_yticks([])
    for spine in axes.spines.values():
        spine.set_visible(False)
    return axes


def _label(axes: Any, row: Row) -> None:
    """Left of the row: model, method or stream, and what the model says; long ones in two lines."""
    parts: tuple[tuple[str, int, dict[str, Any]], ...] = (
        (row.title, 20, {"fontsize": 9.5, "fontweight": "bold"}),
        (row.subtitle, 26, {"fontsize": 8.5}),
        (row.caption, 26, {"fontsize": 8, "color": "#555555"}),
    )
    lines = [(words, look) for text, most, look in parts for words in _wrapped(text, most)]
    for line, (words, look) in enumerate(lines):
        axes.annotate(
            words, (0, 1), xytext=(-(LABEL - 0.1) * 72, -9 - 13 * line), xycoords="axes fraction",
            textcoords="offset points", va="center", annotation_clip=False, **look,
        )  # fmt: skip


def _wrapped(text: str, most: int) -> list[str]:
    """Return the text as it is, or in lines of at most `most` letters."""
    return [text] if len(text) <= most else textwrap.wrap(text, most)


def _draw_cell(
    axes: Any, rgb: RGB, cell: Cell, row: Row, ends: tuple[float, float], style: Style,
    aspect: float,
) -> Any:  # fmt: skip
    """Draw a map over its picture; return what a colour bar needs, None if there is no colour."""
    extent = (0, aspect, 1, 0)
    axes.imshow(rgb, extent=extent)
    if row.evidence and cell.values.max() <= 0:
        axes.text(aspect / 2, 0.5, "no positive\nevidence", ha="center", va="center",
                  fontsize=7, bbox={"facecolor": "white", "alpha": 0.8, "lw": 0})  # fmt: skip
        return None
    low, high = ends
    drawn = axes.imshow(
        cell.values, cmap=colormap_named(style.colormap), vmin=low, vmax=high, alpha=style.alpha,
        interpolation="bilinear", extent=extent,
    )  # fmt: skip
    axes.text(0.03 * aspect, 0.96, f"{low:.2g} to {high:.2g}", fontsize=5.5, color="white",
              bbox={"facecolor": "black", "alpha": 0.45, "lw": 0, "pad": 1})  # fmt: skip
    return drawn


def _range(cell: Cell, row: Row, rows: Sequence[Row], scale: Scale) -> tuple[float, float]:
    """Colour range by the scale's rule; evidence starts at zero, masks at their minimum."""
    if scale == "absolute":
        top = TOPS.get(cell.unit)
        return 0.0, 1.0 if top is None else top / cell.values.size
    others: Sequence[Row] = {"map": [], "row": [row], "shared": rows}[scale]
    group = [cell.values] + [
        shown.values
        for other in others
        if other.subtitle == row.subtitle
        for shown in other.cells
        if shown is not None and shown.unit == cell.unit
    ]
    low = 0.0 if row.evidence else min(float(values.min()) for values in group)
    return low, max(float(values.max()) for values in group)


def colormap_named(name: str) -> Any:
    """A matplotlib colormap by name; batlow and vik come from cmcrameri where it is installed."""
    import matplotlib

    if name in matplotlib.colormaps:
        return matplotlib.colormaps[name]
    from cmcrameri import cm

    if name not in cm.cmaps:
        raise MlError(f"There is no colormap {name!r}. Known are matplotlib's, batlow and vik.")
    return cm.cmaps[name]
