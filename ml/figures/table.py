"""Maps as one drawing, by matplotlib: the table of a photo, the contact sheet of a clip."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from PIL import Image

from ml.errors import MlError
from ml.figures.fonts import Fonts, fonts_for, wrapped
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
LABEL, BAR, HEAD, FOOT, NOTE = 1.85, 0.35, 0.6, 0.15, 0.2  # inches
LETTERS = 11  # of a title, an inch
SMOOTH = 224  # pixels that a smooth map is laid over
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
    ends: what the ends of the colours stand for in all of them; None: as the style's scale says.
    target: the class that the maps are evidence for, where it is not the one in the caption.
    instead: what is said in every cell where there can be no map.
    """

    title: str
    subtitle: str
    caption: str
    evidence: bool
    cells: Sequence[Cell | None]
    ends: tuple[float, float] | None = None
    target: str = ""
    instead: str = ""


@dataclass(frozen=True)
class Style:
    """How maps are drawn.

    scale: `map` each its own range, `row` shared along a row, `shared` over all rows of one
    subtitle, `absolute` fixed (as in the page; docs/api.md).
    signed: the colours diverge, and evidence against is drawn too.
    smooth: bilinear; False shows the maps' own grid.
    threshold: share of the scale, 0..1, below which nothing is drawn.
    grey: the pictures below are grey, so that every colour is a value.
    """

    colormap: str = "viridis"
    alpha: float = 0.55
    scale: Scale = "map"
    signed: bool = False
    smooth: bool = True
    threshold: float = 0.0
    grey: bool = False


def draw(
    rows: Sequence[Row],
    columns: Sequence[tuple[str, RGB]],
    path: Path,
    format: Format,  # noqa: A002
    style: Style,
    *,
    title: str = "",
    note: str = "",
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
        note: Stands below: how it is drawn.
        aspect: Width over height of what is shown: pictures and maps are stretched to it.
    """
    import matplotlib

    words = [title, note, *(heading for heading, _ in columns)]
    fonts = fonts_for([*words, *(text for row in rows for text in _texts(row))])
    settings: Any = {
        "font.family": fonts.families, "text.parse_math": False,  # a class may be called $
        "svg.hashsalt": "sightline",  # else its ids are drawn anew
    }  # fmt: skip
    with matplotlib.rc_context(settings):
        rows = [_drawable(row, fonts) for row in rows]
        columns = [(fonts.drawable(heading), rgb) for heading, rgb in columns]
        notes = [fonts.drawable(line) for line in (note, fonts.note) if line]
        figure = _composed(rows, columns, style, fonts.drawable(title), notes, aspect)
        figure.savefig(path, format=format, metadata=UNDATED[format])


TEXTS = ("title", "subtitle", "caption", "target", "instead")  # of a row


def _texts(row: Row) -> tuple[str, ...]:
    return tuple(getattr(row, name) for name in TEXTS)


def _drawable(row: Row, fonts: Fonts) -> Row:
    texts: dict[str, Any] = {name: fonts.drawable(getattr(row, name)) for name in TEXTS}
    return replace(row, **texts)


def _composed(
    rows: Sequence[Row], columns: Sequence[tuple[str, RGB]], style: Style, title: str,
    notes: Sequence[str], aspect: float,
) -> Any:  # fmt: skip
    """Return the figure with all that is in it."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    wide = WIDE if len(columns) <= MOST_WIDE else NARROW
    cell = wide / max(aspect, 0.5)  # inches high
    width, foot = LABEL + wide * len(columns) + BAR, FOOT + NOTE * len(notes)
    lines = wrapped(title, int(LETTERS * width))
    head = HEAD + NOTE * (len(lines) - 1)
    height = head + (cell + 0.12) * len(rows) + foot
    figure = Figure(figsize=(width, height), dpi=160, facecolor="white")
    FigureCanvasAgg(figure)
    grid = figure.add_gridspec(
        len(rows), len(columns) + 1, width_ratios=(*[1] * len(columns), 0.06), wspace=0.06,
        hspace=0.12 / cell, left=LABEL / width, right=1 - 0.25 / width,
        top=1 - head / height, bottom=foot / height,
    )  # fmt: skip
    for i, row in enumerate(rows):
        drawn = None
        for j, (heading, rgb) in enumerate(columns):
            axes = _axes(figure.add_subplot(grid[i, j]))
            if i == 0:
                axes.set_title(heading, fontsize=9, pad=4)
            if j == 0:
                _label(axes, row)
            below = grey(rgb) if style.grey else rgb
            if row.instead:
                _say(axes, below, row.instead, aspect)
            elif (shown := row.cells[j]) is not None:
                ends = row.ends or _range(shown, row, rows, style.scale, signed=style.signed)
                drawn = _draw_cell(axes, below, shown, row, ends, style, aspect) or drawn
        if drawn:
            _bar(figure, figure.add_subplot(grid[i, -1]), row, style)
    if title:
        text = "\n".join(lines)
        figure.suptitle(text, x=0.1 / width, y=1 - 0.12 / height, ha="left", va="top", fontsize=10)
    if notes:
        text = "\n".join(notes)
        figure.text(0.1 / width, 0.1 / height, text, fontsize=6.5, color="#555555", va="bottom")
    return figure


def _axes(axes: Any) -> Any:
    axes.set_xticks([])
    axes.set_yticks([])
    for spine in axes.spines.values():
        spine.set_visible(False)
    return axes


def _label(axes: Any, row: Row) -> None:
    """Left of the row: model, method or stream, answer, another target; long ones in two lines."""
    parts: tuple[tuple[str, int, dict[str, Any]], ...] = (
        (row.title, 20, {"fontsize": 9.5, "fontweight": "bold"}),
        (row.subtitle, 26, {"fontsize": 8.5}),
        (row.caption, 26, {"fontsize": 8, "color": "#555555"}),
        (f"for {row.target}" if row.target else "", 26, {"fontsize": 8, "color": "#555555"}),
    )
    lines = [(words, look) for text, most, look in parts for words in wrapped(text, most)]
    for line, (words, look) in enumerate(lines):
        axes.annotate(
            words, (0, 1), xytext=(-(LABEL - 0.1) * 72, -9 - 13 * line), xycoords="axes fraction",
            textcoords="offset points", va="center", annotation_clip=False, **look,
        )  # fmt: skip


def _say(axes: Any, rgb: RGB, words: str, aspect: float) -> None:
    """Write words over a picture, in place of a map."""
    axes.imshow(rgb, extent=(0, aspect, 1, 0))
    axes.text(aspect / 2, 0.5, "\n".join(wrapped(words, 18)), ha="center", va="center",
              fontsize=7, bbox={"facecolor": "white", "alpha": 0.8, "lw": 0})  # fmt: skip


def _draw_cell(
    axes: Any, rgb: RGB, cell: Cell, row: Row, ends: tuple[float, float], style: Style,
    aspect: float,
) -> bool:  # fmt: skip
    """Draw a map over its picture; return whether there is any colour."""
    against = style.signed and cell.unit == "evidence" and cell.values.min() < 0
    if row.evidence and cell.values.max() <= 0 and not against:
        _say(axes, rgb, "no positive evidence", aspect)
        return False
    extent = (0, aspect, 1, 0)
    axes.imshow(rgb, extent=extent)
    low, high = ends
    how = "bilinear" if style.smooth else "nearest"
    axes.imshow(coloured(cell.values, ends, style), interpolation=how, extent=extent)
    least = (low + high) / 2 if style.signed and not _has_sign(cell, row) else low
    axes.text(0.03 * aspect, 0.96, f"{least:.2g} to {high:.2g}", fontsize=5.5, color="white",
              bbox={"facecolor": "black", "alpha": 0.45, "lw": 0, "pad": 1})  # fmt: skip
    return True


def coloured(
    values: FloatArray, ends: tuple[float, float], style: Style
) -> npt.NDArray[np.float64]:
    """Return a map's colours [h, w, RGBA], 0..1; below the threshold they are transparent."""
    image = Image.fromarray(values.astype(np.float32))
    if style.smooth:
        image = image.resize((SMOOTH, SMOOTH), Image.Resampling.BILINEAR)
    low, high = ends
    place = (np.asarray(image, np.float64) - low) / max(high - low, 1e-12)
    rgba = np.array(colormap_named(style.colormap)(place.clip(0, 1)))
    far = np.abs(2 * place - 1) if style.signed else place
    rgba[..., 3] = (
        np.where(far >= style.threshold, style.alpha, 0) if style.threshold else style.alpha
    )
    return rgba


def grey(rgb: RGB) -> RGB:
    """Return a picture [H, W, 3] without its colours."""
    return np.asarray(Image.fromarray(rgb).convert("L").convert("RGB"))


def _bar(figure: Any, axes: Any, row: Row, style: Style) -> None:
    """The row's colours: from low to high, or from against over zero to for."""
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import ListedColormap, Normalize

    table = colormap_named(style.colormap)
    both = style.signed and row.evidence
    if style.signed and not both:
        table = ListedColormap(table(np.linspace(0.5, 1, 128)))
    bar = figure.colorbar(ScalarMappable(Normalize(-1, 1), table), cax=axes, ticks=[])
    bar.set_label("against \u2013 0 \u2013 for" if both else "low to high", fontsize=6)
    bar.outline.set_visible(False)


def _has_sign(cell: Cell, row: Row) -> bool:
    """Combined maps have no evidence against, and masks none at all."""
    return row.evidence and cell.unit == "evidence"


def spread(
    low: float, high: float, *, evidence: bool, sign: bool, signed: bool
) -> tuple[float, float]:
    """Return what the ends of the colours stand for, of maps from `low` to `high`.

    Evidence starts at zero. Signed colours are even around zero where maps have a sign; others
    take their upper half, from the middle on.
    """
    if signed and sign:
        reach = max(abs(low), abs(high))
        return -reach, reach
    if evidence:
        low, high = 0.0, max(high, 0.0)
    return (2 * low - high if signed else low), high


def _range(
    cell: Cell, row: Row, rows: Sequence[Row], scale: Scale, *, signed: bool
) -> tuple[float, float]:
    """Colour range by the scale's rule."""
    sign = _has_sign(cell, row)
    if scale == "absolute":
        top = TOPS.get(cell.unit)
        high = 1.0 if top is None else top / cell.values.size
        return spread(0.0, high, evidence=row.evidence, sign=sign, signed=signed)
    others: Sequence[Row] = {"map": [], "row": [row], "shared": rows}[scale]
    group = [cell.values] + [
        shown.values
        for other in others
        if other.subtitle == row.subtitle
        for shown in other.cells
        if shown is not None and shown.unit == cell.unit
    ]
    low, high = min(float(v.min()) for v in group), max(float(v.max()) for v in group)
    return spread(low, high, evidence=row.evidence, sign=sign, signed=signed)


def colormap_named(name: str) -> Any:
    """A matplotlib colormap by name; batlow and vik come from cmcrameri where it is installed."""
    import matplotlib

    if name in matplotlib.colormaps:
        return matplotlib.colormaps[name]
    from cmcrameri import cm

    if name not in cm.cmaps:
        raise MlError(f"There is no colormap {name!r}. Known are matplotlib's, batlow and vik.")
    return cm.cmaps[name]
