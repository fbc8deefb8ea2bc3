"""The tables of one arm in Markdown; each is a function of its rows under `@section`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias

from ml.networks.types import STAGES
from ml.study.aggregate import Row, Stat
from ml.study.records import ALL, EDITS
from ml.study.scenes import TITLES

MAPS = tuple(("attention", s) for s in (*STAGES, "combined"))
MAPS += (("gradcam", "late"), ("gradcam", "combined"))
IN_DETAIL = ("ordinary", "placed35", "placed15", "pieces")  # where each stage's masks are replaced
NAMES = {"attention": "mask", "gradcam": "Grad-CAM"}
BLIND = ("map", "gaussian", "random")
MISSING = "-"
SURE = 0.05

Section: TypeAlias = Callable[[Mapping[str, Row]], list[str]]
SECTIONS: list[tuple[str, Section]] = []


def section(words: str) -> Callable[[Section], Section]:
    """Register the decorated function as a table; the words stand above it."""

    def register(function: Section) -> Section:
        SECTIONS.append((words, function))
        return function

    return register


def arm_tables(rows: Mapping[str, Row]) -> Iterator[str]:
    """Yield the lines of all tables of an arm's rows."""
    for number, (words, make) in enumerate(SECTIONS):
        if number:
            yield ""
        yield words
        yield ""
        yield from make(rows)


def lines_of(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Return a Markdown table's lines."""
    lines = [head, ["---"] * len(head), *rows]
    return [f"| {' | '.join(line)} |" for line in lines]


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
    "Accuracy, %, mean ± standard deviation over seeds. A star: different from plain, "
    "p < .05 (paired over photos, Holm)."
)
def _accuracy(rows: Mapping[str, Row]) -> list[str]:
    scenes = _seen(rows, "answers")

    def cell(row: Row, scene: str) -> str:
        found = _within(row["answers"], scene, "accuracy")
        return _percent(found) + _star(found["p"]) if found else MISSING

    return lines_of(
        ("model", "seeds", *(TITLES[s] for s in scenes)),
        (
            (f"`{name}`", str(len(row["seeds"])), *(cell(row, s) for s in scenes))
            for name, row in rows.items()
        ),
    )


@section(
    "After temperature, each half of the photos scaled by the other half's: cross-entropy, "
    "and calibration error in %. In brackets: the error with the temperature of ordinary photos."
)
def _calibration(rows: Mapping[str, Row]) -> list[str]:
    scenes = [s for s in _seen(rows, "answers") if s in ("ordinary", "placed35", "boxed224")]

    def cell(row: Row, scene: str) -> str:
        found = _within(row["answers"], scene)
        if not found:
            return MISSING
        transferred = f" ({found['ece_transferred']['mean'] * 100:.1f})"
        return f"{found['nll']['mean']:.3f}, {_percent(found['ece'])}{transferred}"

    return lines_of(
        ("model", "temperature", *(TITLES[s] for s in scenes)),
        (
            (
                f"`{name}`",
                f"{row['answers']['ordinary']['temperature']['mean']:.2f}",
                *(cell(row, s) for s in scenes),
            )
            for name, row in rows.items()
        ),
    )


@section(
    "Maxima in the object's box (of placed photos: on the photo), %; in brackets before "
    "training. A star: more than the centre and than before training, p < .05 each."
)
def _pointing(rows: Mapping[str, Row]) -> list[str]:
    scenes = [s for s in _seen(rows, "pointing") if s in ("placed50", "placed35", "boxed224")]
    lines = []
    for name, row in rows.items():
        for method, stage in MAPS:
            cells = [_within(row["pointing"], scene, method, stage) for scene in scenes]
            if any(cells):
                line = [_pointed(cell) for cell in cells]
                small = _small(_within(row["pointing"], "boxed224", method, stage))
                lines.append((f"`{name}`", NAMES[method], stage, *line, small))
    titles = ("model", "map", "stage", *(TITLES[s] for s in scenes), "small objects")
    return lines_of(titles, [*_centre(rows, scenes), *lines])


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
                "the centre",
                "",
                "",
                *(MISSING if s is None else f"{s:.1%}"[:-1] for s in shares),
            )
            return


@section(
    "What even masks at all stages change: accuracy in points, in brackets the share of answers "
    "that change and the change of the true class's probability. A star: p < .05."
)
def _even(rows: Mapping[str, Row]) -> list[str]:
    scenes = _seen(rows, "interventions")

    def cell(row: Row, scene: str) -> str:
        found = _within(row["interventions"], scene, "even", ALL)
        if not found:
            return MISSING
        changed, chance = found["changed"]["mean"], found["probability_change"]["mean"]
        points = f"{found['difference'] * 100:+.1f}{_star(found['p'])}"
        return f"{points} ({changed * 100:.0f} %, {chance:+.2f})"

    return lines_of(
        ("model", *(TITLES[s] for s in scenes)),
        (
            (f"`{name}`", *(cell(row, s) for s in scenes))
            for name, row in rows.items()
            if row["interventions"]
        ),
    )


@section(
    "Accuracy in points if the masks of one stage, or of all, are even / another photo's / a "
    "blob in the centre."
)
def _stages(rows: Mapping[str, Row]) -> list[str]:
    scenes = [s for s in _seen(rows, "interventions") if s in IN_DETAIL]

    def points(row: Row, scene: str, edit: str, where: str) -> str:
        found = _within(row["interventions"], scene, edit, where)
        return f"{found['difference'] * 100:+.1f}" if found else MISSING

    return lines_of(
        ("model", "masks of", *(TITLES[s] for s in scenes)),
        (
            (
                f"`{name}`",
                where,
                *(" / ".join(points(row, s, edit, where) for edit in EDITS) for s in scenes),
            )
            for name, row in rows.items()
            for where in (*STAGES, ALL)
            if any(_within(row["interventions"], s, EDITS[0], where) for s in scenes)
        ),
    )


@section(
    "Areas under the curves of deletion (low is good) and insertion (high is good), in the "
    "order of the combined mask (plain: of the combined Grad-CAM), of a Gaussian in the centre, "
    "and of smooth noise. A star: the 95 % interval of the distance to the map leaves out 0."
)
def _deletion(rows: Mapping[str, Row]) -> list[str]:
    def cell(row: Row, kind: str, name: str) -> str:
        found = _within(row["deletion_insertion"], name, kind)
        if not found:
            return MISSING
        low, high = found.get("minus_map", (-1, 1))
        return f"{found['mean']:.3f}{'*' if low > 0 or high < 0 else ''}"

    kinds = ("deletion", "insertion")
    return lines_of(
        ("model", *(f"{kind}: {name}" for kind in kinds for name in BLIND)),
        (
            (f"`{model}`", *(cell(row, kind, name) for kind in kinds for name in BLIND))
            for model, row in rows.items()
        ),
    )
