"""From a model's maps to rows of a figure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import groupby

from ml.explain.methods import METHODS
from ml.explain.results import Track
from ml.figures.table import Cell, Row

COLUMNS = ("early", "medium", "late", "combined")  # of a photo's table
STREAMS = {"rgb": "appearance (RGB)", "flow": "motion (flow)"}


def answer(name: str, probability: float, *, abstained: bool) -> str:
    """Return what a model says, in a few words."""
    return "none of what it knows" if abstained else f"{in_words(name)}  {probability:.0%}"


def by_stage(
    title: str, caption: str, tracks: Iterable[Track], said: str | None = None
) -> Iterator[Row]:
    """A photo: one row a method, a column a stage. Maps by channel are left out.

    Evidence for another class than `said`, which is in the caption, names its class.
    """
    shown = (track for track in tracks if track.values.ndim == 3)
    for name, group in groupby(shown, key=lambda track: track.method):
        cells_of = list(group)
        cells = {track.stage: Cell(track.values[0], track.unit) for track in cells_of}
        method = METHODS[name]
        columns = [cells.get(stage) for stage in COLUMNS]
        target = next(iter({track.target for track in cells_of} - {None, said}), None) or ""
        evidence = method.unit == "evidence"
        yield Row(title, method.title, caption, evidence, columns, target=target)


def by_moment(
    title: str, caption: str, tracks: Iterable[Track], columns: int,
    ends: Callable[[Track], tuple[float, float] | None] = lambda _: None,
) -> Iterator[Row]:  # fmt: skip
    """A clip: one row a track; in each column is the map that is nearest in time.

    `ends` says what the ends of a track's colours stand for, None where the figure's scale does.
    """
    for track in tracks:
        steps = len(track.values)
        places = [(2 * k + 1) * steps // (2 * columns) for k in range(columns)]
        cells = [Cell(track.values[place], track.unit) for place in places]
        evidence = track.target is not None
        yield Row(title, STREAMS[track.stream], caption, evidence, cells, ends(track))


def without(title: str, caption: str, method: str, words: str, columns: int) -> Row:
    """A model that cannot explain the class asked for: the words stand in its cells."""
    return Row(title, METHODS[method].title, caption, True, [None] * columns, instead=words)


def in_words(name: str) -> str:
    """Return a class as people read it: `no_fight` is a folder's name."""
    return name.replace("_", " ")


def table_title(name: str, share: float | None) -> str:
    """Return what stands above a photo's table: the file, and of how much of the side it has."""
    return name if share is None else f"{name}    at {share:.0%} of the side"


def sheet_title(name: str, stage: str, method: str) -> str:
    """Return what stands above a clip's sheet: the file, and which maps these are."""
    return f"{name}    {METHODS[method].title}, {stage}"
