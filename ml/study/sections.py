"""The tables of one arm, for docs and page; each is a function of its rows under `@section`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias, TypedDict

from ml.networks.types import STAGES
from ml.study.aggregate import Row, Stat
from ml.study.records import ALL, EDITS
from ml.study.scenes import TITLES

MAPS = tuple(("attention", s) for s in (*STAGES, "combined"))
MAPS += (("gradcam", "late"), ("gradcam", "combined"))
IN_DETAIL = ("ordinary", "placed35", "placed15", "pieces")  # where each stage's masks are replaced
NAMES = {"attention": "mask", "gradcam": "Grad-CAM"}
BLIND = ("map", "gaussian", "random")
MODEL = "model"  # the head of names of rows
CENTRE = "the centre"  # a row that is no model's
MISSING = "-"
SURE = 0.05

Lines: TypeAlias = tuple[Sequence[str], Iterable[Sequence[str]]]
Section: TypeAlias = Callable[[Mapping[str, Row]], Lines]
SECTIONS: list[tuple[str, str, Section]] = []


class Table(TypedDict):
    """A table.

    title: A word or two.
    words: What its cells say.
    head: The columns; the first one has the rows' names.
    rows: Texts, as many as there are columns.
    """

    title: str
    words: str
    head: list[str]
    rows: list[list[str]]


def section(title: str, words: str) -> Callable[[Section], Section]:
    """Register the decorated function, which returns a table's head and rows."""

    def register(function: Section) -> Section:
        SECTIONS.append((title, words, function))
        return function

    return register


def arm_tables(rows: Mapping[str, Row]) -> list[Table]:
    """Return all tables of an arm's rows."""
    made = ((title, words, *make(rows)) for title, words, make in SECTIONS)
    return [
        {"title": title, "words": words, "head": list(head), "rows": [list(line) for line in lines]}
        for title, words, head, lines in made
    ]


def _seen(rows: Mapping[str, Row], part: str) -> list[str]:
    """Return the scenes that any row has, in their order."""
    return [s for s in TITLES if any(s in row[part] for row in rows.values())]  # type: ignore[literal-required]


def _within(cell: Mapping[str, Any], *path: str) -> Any:
    """Return what is there, or None."""
    found: Any = cell
    for name in path:
        found = found.get(name) if found else None
    return found


def _percent(cell: Stat) -> str:
    deviation = "" if cell["sd"] is None else f" ± {cell['sd'] * 100:.1f}"
    return f"{cell['mean'] * 100:.1f}{deviation}"


def _star(p: float | None) -> str:
    return "*" if p is not None and p < SURE else ""


@section(
    "Accuracy",
    "Accuracy, %, mean ± standard deviation over seeds. A star: different from plain, "
    "p < .05 (paired over photos, Holm).",
)
def _accuracy(rows: Mapping[str, Row]) -> Lines:
    scenes = _seen(rows, "answers")

    def cell(row: Row, scene: str) -> str:
        found = _within(row["answers"], scene, "accuracy")
        return _percent(found) + _star(found["p"]) if found else MISSING

    return (
        (MODEL, "seeds", *(TITLES[s] for s in scenes)),
        (
            (name, str(len(row["seeds"])), *(cell(row, s) for s in scenes))
            for name, row in rows.items()
        ),
    )


@section(
    "Calibration",
    "After temperature, each half of the photos scaled by the other half's: cross-entropy, "
    "and calibration error in %. In brackets: the error with the temperature of ordinary photos.",
)
def _calibration(rows: Mapping[str, Row]) -> Lines:
    scenes = [s for s in _seen(rows, "answers") if s in ("ordinary", "placed35", "boxed224")]

    def cell(row: Row, scene: str) -> str:
        found = _within(row["answers"], scene)
        if not found:
            return MISSING
        transferred = f" ({found['ece_transferred']['mean'] * 100:.1f})"
        return f"{found['nll']['mean']:.3f}, {_percent(found['ece'])}{transferred}"

    return (
        (MODEL, "temperature", *(TITLES[s] for s in scenes)),
        (
            (
                name,
                f"{row['answers']['ordinary']['temperature']['mean']:.2f}",
                *(cell(row, s) for s in scenes),
            )
            for name, row in rows.items()
        ),
    )


@section(
    "Where maps point",
    "Maxima in the object's box (of placed photos: on the photo), %; in brackets before "
    "training. A star: more than the centre and than before training, p < .05 each.",
)
def _pointing(rows: Mapping[str, Row]) -> Lines:
    scenes = [s for s in _seen(rows, "pointing") if s in ("placed50", "placed35", "boxed224")]
    lines = []
    for name, row in rows.items():
        for method, stage in MAPS:
            cells = [_within(row["pointing"], scene, method, stage) for scene in scenes]
            if any(cells):
                line = [_pointed(cell) for cell in cells]
                small = _small(_within(row["pointing"], "boxed224", method, stage))
                lines.append((name, NAMES[method], stage, *line, small))
    titles = (MODEL, "map", "stage", *(TITLES[s] for s in scenes), "small objects")
    return (titles, [*_centre(rows, scenes), *lines])


def _pointed(cell: Any) -> str:
    if not cell:
        return MISSING
    better = cell["difference"] > 0 and cell["mean"] > cell.get("untrained", 0)
    star = _star(max(cell["p"], cell.get("p_untrained", 1))) if better else ""
    before = f" ({cell['untrained'] * 100:.1f})" if "untrained" in cell else ""
    return f"{_percent(cell)}{star}{before}"


def _small(cell: Any) -> str:
    return _percent(cell["small"]) if cell and "small" in cell else MISSING


def _centre(rows: Mapping[str, Row], scenes: Sequence[str]) -> Iterator[Sequence[str]]:
    """Yield the centre's own row: what anything has to beat."""
    for row in rows.values():
        cells = [_within(row["pointing"], scene, "gradcam", "late") for scene in scenes]
        if all(cells):
            small = _within(row["pointing"], "boxed224", "gradcam", "late", "small_centre")
            shares = (*(cell["centre"] for cell in cells), small)
            yield (
                CENTRE,
                "",
                "",
                *(MISSING if s is None else f"{s:.1%}"[:-1] for s in shares),
            )
            return


@section(
    "Even masks",
    "What even masks at all stages change: accuracy in points, in brackets the share of answers "
    "that change and the change of the true class's probability. A star: p < .05.",
)
def _even(rows: Mapping[str, Row]) -> Lines:
    scenes = _seen(rows, "interventions")

    def cell(row: Row, scene: str) -> str:
        found = _within(row["interventions"], scene, "even", ALL)
        if not found:
            return MISSING
        changed, chance = found["changed"]["mean"], found["probability_change"]["mean"]
        points = f"{found['difference'] * 100:+.1f}{_star(found['p'])}"
        return f"{points} ({changed * 100:.0f} %, {chance:+.2f})"

    return (
        (MODEL, *(TITLES[s] for s in scenes)),
        (
            (name, *(cell(row, s) for s in scenes))
            for name, row in rows.items()
            if row["interventions"]
        ),
    )


@section(
    "Masks stage by stage",
    "Accuracy in points if the masks of one stage, or of all, are even / another photo's / a "
    "blob in the centre.",
)
def _stages(rows: Mapping[str, Row]) -> Lines:
    scenes = [s for s in _seen(rows, "interventions") if s in IN_DETAIL]

    def points(row: Row, scene: str, edit: str, where: str) -> str:
        found = _within(row["interventions"], scene, edit, where)
        return f"{found['difference'] * 100:+.1f}" if found else MISSING

    return (
        (MODEL, "masks of", *(TITLES[s] for s in scenes)),
        (
            (
                name,
                where,
                *(" / ".join(points(row, s, edit, where) for edit in EDITS) for s in scenes),
            )
            for name, row in rows.items()
            for where in (*STAGES, ALL)
            if any(_within(row["interventions"], s, EDITS[0], where) for s in scenes)
        ),
    )


@section(
    "Deletion and insertion",
    "Areas under the curves of deletion (low is good) and insertion (high is good), in the "
    "order of the combined mask (plain: of the combined Grad-CAM), of a Gaussian in the centre, "
    "and of smooth noise. A star: the 95 % interval of the distance to the map leaves out 0.",
)
def _deletion(rows: Mapping[str, Row]) -> Lines:
    def cell(row: Row, kind: str, name: str) -> str:
        found = _within(row["deletion_insertion"], name, kind)
        if not found:
            return MISSING
        low, high = found.get("minus_map", (-1, 1))
        return f"{found['mean']:.3f}{'*' if low > 0 or high < 0 else ''}"

    kinds = ("deletion", "insertion")
    return (
        (MODEL, *(f"{kind}: {name}" for kind in kinds for name in BLIND)),
        (
            (model, *(cell(row, kind, name) for kind in kinds for name in BLIND))
            for model, row in rows.items()
        ),
    )
