"""What the study set out to reach, and whether it did: worked out from the table, not written."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeAlias, TypedDict

from ml.study.aggregate import ARMS, ORDER, PLAIN, Row
from ml.study.records import ALL
from ml.study.scenes import TITLES

Table: TypeAlias = Mapping[str, Mapping[str, Row]]
ORDINARY, PLACED = ARMS
POOLING = ("l2pa", "gated", "gated-grid")  # the classifier reads nothing but attended sums
MECHANISMS = ORDER[1:]
MAPS = ("medium", "late", "combined")


class Goal(TypedDict):
    """A goal.

    what: What is measured.
    goal: What was to be reached.
    result: What was, in words.
    met: None if runs are missing.
    """

    what: str
    goal: str
    result: str
    met: bool | None


def goals(table: Table) -> list[Goal]:
    """Return every goal of the study with what came out so far."""
    return [
        *(_accuracy(table, arm) for arm in ARMS),
        _pooling(table),
        _placed(table),
        *(_on_object(table, scene) for scene in ("placed50", "placed35")),
        _boxed(table),
        _needed(table),
        *(_calibration(table, arm) for arm in ARMS),
    ]


def _goal(what: str, goal: str, results: Mapping[str, str], met: bool, complete: bool) -> Goal:
    said = "; ".join(f"{name} {result}" for name, result in results.items())
    return {
        "what": what,
        "goal": goal,
        "result": said or "no runs",
        "met": met if complete else None,
    }


def _of(table: Table, arm: str, value: Callable[[Row], float | None]) -> dict[str, float]:
    """Return each of the six rows' values, as far as there are runs."""
    rows = {name: table.get(arm, {}).get(name) for name in ORDER}
    values = {name: value(row) for name, row in rows.items() if row is not None}
    return {name: number for name, number in values.items() if number is not None}


def _mean(*path: str) -> Callable[[Row], float | None]:
    """Return what finds a mean in a row."""

    def find(row: Row) -> float | None:
        cell: Any = row
        for name in path:
            if name not in cell:
                return None
            cell = cell[name]
        return float(cell["mean"])

    return find


def _percent(values: Mapping[str, float]) -> dict[str, str]:
    return {name: f"{value:.1%}" for name, value in values.items()}


def _accuracy(table: Table, arm: str) -> Goal:
    values = _of(table, arm, _mean("answers", "ordinary", "accuracy"))
    met = all(v >= 0.97 and v >= values.get(PLAIN, 0) - 0.008 for v in values.values())
    what = f"{arm} arm, ordinary photos: accuracy"
    goal = "every row at least 97 %, none more than 0.8 points under plain"
    return _goal(what, goal, _percent(values), met, len(values) == len(ORDER))


def _pooling(table: Table) -> Goal:
    cells = {
        name: table[ORDINARY][name]["answers"]["placed35"]["accuracy"]
        for name in POOLING
        if name in table.get(ORDINARY, {}) and "placed35" in table[ORDINARY][name]["answers"]
    }
    known = {name: cell for name, cell in cells.items() if cell["p"] is not None}
    results = {
        n: f"{c['difference'] * 100:+.1f} points (p = {c['p']:.2g})" for n, c in known.items()
    }
    met = any(cell["difference"] >= 0.1 and cell["p"] < 0.01 for cell in known.values())
    return _goal(
        "ordinary arm, placed at 35 %: attention pooling beside plain",
        "one of the three at least 10 points better, p < .01",
        results,
        met,
        len(known) == len(POOLING),
    )


def _placed(table: Table) -> Goal:
    values = _of(table, PLACED, _mean("answers", "placed35", "accuracy"))
    met = all(value >= 0.88 for value in values.values())
    what, goal = "placed arm, placed at 35 %: accuracy", "every row at least 88 %"
    return _goal(what, goal, _percent(values), met, len(values) == len(ORDER))


def _on_object(table: Table, scene: str) -> Goal:
    def best(row: Row) -> float | None:
        found = [_mean("pointing", scene, "attention", stage)(row) for stage in MAPS]
        return max((value for value in found if value is not None), default=None)

    values = _of(table, PLACED, best)
    met = all(value >= 0.95 for value in values.values())
    what = f"placed arm, {TITLES[scene]}: the mask's maximum on the object (best of three maps)"
    goal = "95 % for every mechanism"
    return _goal(what, goal, _percent(values), met, len(values) == len(MECHANISMS))


def _boxed(table: Table) -> Goal:
    values = _of(table, PLACED, _mean("pointing", "boxed224", "attention", "combined"))
    high = sum(value >= 0.94 for value in values.values())
    return _goal(
        "placed arm, photos with boxes: the combined mask's maximum in the box",
        "two mechanisms at least 94 %, all at least 85 %",
        _percent(values),
        high >= 2 and all(value >= 0.85 for value in values.values()),
        len(values) == len(MECHANISMS),
    )


def _needed(table: Table) -> Goal:
    """Find the kind of photos at which even masks cost most mechanisms 10 points."""
    tried = list(_losses(table))
    best = max(tried, key=lambda t: sum(loss >= 0.1 for loss in t[1].values()), default=None)
    results: dict[str, str] = {}
    met = False
    if best is not None:
        (arm, scene), losses, behind = best
        results = {name: f"{-100 * loss:+.1f} points" for name, loss in losses.items()}
        results["plain"] = "is behind these" if behind else "is not behind these"
        results["most"] = f"on {TITLES[scene]}, {arm} arm"
        met = sum(loss >= 0.1 for loss in losses.values()) >= 4 and behind
    return _goal(
        "photos at which answers need the mask: accuracy with even masks",
        "10 points less for four of five mechanisms, and plain is behind these",
        results,
        met,
        any(len(losses) == len(MECHANISMS) for _, losses, _ in tried),
    )


def _losses(table: Table) -> Iterator[tuple[tuple[str, str], dict[str, float], bool]]:
    """Yield each arm's scenes: what even masks cost, and if plain is behind all they cost 10."""
    for arm, rows in table.items():
        for scene in TITLES:
            cells = {
                name: rows[name]["interventions"][scene]["even"][ALL]
                for name in MECHANISMS
                if name in rows and scene in rows[name]["interventions"]
            }
            losses = {name: -cell["difference"] for name, cell in cells.items()}
            own = _mean("answers", scene, "accuracy")
            plain = own(rows[PLAIN]) if PLAIN in rows else None
            costly = [own(rows[name]) or 0.0 for name, loss in losses.items() if loss >= 0.1]
            if losses:
                yield (arm, scene), losses, plain is not None and plain < min(costly, default=0.0)


def _calibration(table: Table, arm: str) -> Goal:
    values = _of(table, arm, _mean("answers", "ordinary", "ece"))
    results = {name: f"{value:.3f}" for name, value in values.items()}
    met = all(value < 0.015 for value in values.values())
    what = f"{arm} arm: calibration error after temperature"
    return _goal(what, "under 0.015 each", results, met, len(values) == len(ORDER))
