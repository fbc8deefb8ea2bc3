"""How maps are drawn: from a job's parameters to a style, the ends of the colours, and a note."""

from __future__ import annotations

from collections.abc import Sequence

from app.db.tables import Heatmap
from app.jobs.parameters import Look, Scale
from ml.figures.table import TOPS, Style, spread

Ends = tuple[float, float]
SCALES: dict[Scale, str] = {
    "map": "each {map} has its own scale",
    "row": "one scale along a row",
    "shared": "one scale over the table",
    "absolute": "fixed scales",
}


def style(look: Look, scale: Scale | None = None) -> Style:
    """Return the style that a job asks for, with another scale if one is given."""
    return Style(
        look.colormap, look.alpha, scale or look.scale, look.signed, look.smooth, look.threshold,
        look.grey,
    )  # fmt: skip


def ends(track: Heatmap, maps: Sequence[Heatmap], look: Look) -> Ends:
    """Return what the ends of the colours stand for in a clip's track, over all of its moments.

    `maps` are all that count: of the models on show, at every stage. The rules are the page's.
    """
    places = track.shape[-1] * track.shape[-2]
    if look.scale == "absolute":
        low, high = 0.0, TOPS[track.unit] / places if track.unit in TOPS else 1.0
    else:
        same = [one for one in maps if _shares(track, one, look.scale)] or [track]
        low, high = min(one.min for one in same), max(one.max for one in same)
    evidence = track.target is not None
    sign = evidence and track.unit == "evidence"
    return spread(low, high, evidence=evidence, sign=sign, signed=look.signed)


def _shares(track: Heatmap, other: Heatmap, scale: Scale) -> bool:
    if (track.method, track.unit) != (other.method, other.unit):
        return False
    row = track.model == other.model
    same = row and (track.stream, track.stage) == (other.stream, other.stage)
    return {"map": same, "row": row, "shared": True, "absolute": False}[scale]


def note(look: Look, *, of_clip: bool, masks: str = "") -> str:
    """Return the settings in one line, for below a figure; `masks`: what masks show."""
    colours = f"{look.colormap}, signed: against, 0, for" if look.signed else look.colormap
    parts = [
        f"Colours: {colours}",
        SCALES[look.scale].format(map="track" if of_clip else "map"),
        "smooth" if look.smooth else "the maps’ own grid",
        f"hidden below {look.threshold:.0%} of the scale" if look.threshold else "nothing hidden",
        f"opacity {look.alpha:.0%}",
        *([masks] if masks else []),
    ]
    return "; ".join(parts) + "."
