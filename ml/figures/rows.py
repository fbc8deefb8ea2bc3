"""From a model's maps to rows of a figure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby

from ml.explain.methods import METHODS
from ml.explain.results import Track
from ml.figures.table import Cell, Row

COLUMNS = ("early", "medium", "late", "combined")  # of a photo's table
STREAMS = {"rgb": "appearance (RGB)", "flow": "motion (flow)"}


def by_stage(title: str, caption: str, tracks: Iterable[Track]) -> Iterator[Row]:
    """A photo: one row a method, a column a stage. Maps by channel are left out."""
    shown = (track for track in tracks if track.values.ndim == 3)
    for name, group in groupby(shown, key=lambda track: track.method):
        cells = {track.stage: Cell(track.values[0], track.unit) for track in group}
        method = METHODS[name]
        columns = [cells.get(stage) for stage in COLUMNS]
        yield Row(title, method.title, caption, method.unit == "evidence", columns)


def by_moment(title: str, caption: str, tracks: Iterable[Track], columns: int) -> Iterator[Row]:
    """A clip: one row a track; in each column is the map that is nearest in time."""
    for track in tracks:
        steps = len(track.values)
        places = [(2 * k + 1) * steps // (2 * columns) for k in range(columns)]
        cells = [Cell(track.values[place], track.unit) for place in places]
        yield Row(title, STREAMS[track.stream], caption, track.target is not None, cells)


def in_words(name: str) -> str:
    """Return a class as people read it: `no_fight` is a folder's name."""
    return name.replace("_", " ")


def sheet_title(name: str, stage: str, method: str) -> str:
    """Return what stands above a clip's sheet: the file, and which maps these are."""
    return f"{name}    {METHODS[method].title}, {stage}"
