"""From the records of all runs to figures over seeds, with tests over photos; without a network.

p-values are Holm's, over one arm's whole table of one kind: all mechanisms beside `plain`, all
maps beside the centre, all maps beside the untrained start, or all replaced masks beside the own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeAlias, TypedDict

import numpy as np
import numpy.typing as npt

from ml.errors import MlError
from ml.study.packing import unpack_classes, unpack_flags, unpack_shares
from ml.study.records import VERSION, Intervention, Measures, Pointing, SceneRecord
from ml.study.statistics import bootstrap, holm, mean_sd, sign_flip_test

PLAIN = "plain"
ORDER = ("plain", "l2pa", "gated", "gated-grid", "residual", "cbam")
ARMS = ("ordinary", "placed")
DIGITS = 5
Scenes: TypeAlias = Mapping[str, SceneRecord]
Bits: TypeAlias = npt.NDArray[Any]
Cells: TypeAlias = dict[str, dict[str, dict[str, dict[str, Any]]]]


class Run(TypedDict):
    """What the record of a finished run has at least.

    row: The network's name in the study.
    card: Its model's card, with `curves`: one record an epoch.
    """

    row: str
    arm: str
    seed: int
    card: Mapping[str, Any]
    measures: Measures


class Stat(TypedDict):
    """Mean and standard deviation over seeds; `sd` is None for one seed."""

    mean: float
    sd: float | None
    seeds: int


class Compared(Stat):
    """A share over seeds beside another one.

    interval: 95 % of the share's mean, by a bootstrap over seeds and photos.
    difference: From the other.
    p: Of a difference as large by chance, by Holm; None if there is nothing to compare with.
    """

    interval: list[float]
    difference: float | None
    p: float | None


class Row(TypedDict):
    """A mechanism in one arm.

    answers: scene -> figure -> over seeds; `accuracy` is compared with `plain`.
    pointing: scene -> method -> stage -> hits, compared with the `centre`'s; with those of photos
        with `small` objects, and of the same map before training (`untrained`, `p_untrained`).
    interventions: scene -> edit -> stage or `all` -> accuracy, compared with that of the network's
        own masks (`before`), share of answers `changed`, and `probability_change`.
    deletion_insertion: map -> `deletion` and `insertion`; the blind maps with the interval of
        their distance to the map's.
    """

    seeds: list[int]
    curves: list[dict[str, Stat]]
    answers: dict[str, dict[str, Any]]
    pointing: Cells
    interventions: Cells
    deletion_insertion: dict[str, dict[str, Any]]


def aggregate(
    runs: Iterable[Run], untrained: Mapping[str, Scenes] | None = None
) -> dict[str, dict[str, Row]]:
    """Return arm -> row -> figures, in the order of tables, of whatever runs there are.

    Args:
        runs: Records of finished runs.
        untrained: Row -> what `measure_untrained` returned.

    Raises:
        MlError: A record was made by another version.
    """
    groups: dict[str, dict[str, list[Run]]] = {}
    for run in sorted(runs, key=lambda run: run["seed"]):
        if run["measures"]["version"] != VERSION:
            name = f"{run['row']}-{run['arm']}-{run['seed']}"
            raise MlError(f"{name} was measured by another version. Delete its record, and run on.")
        groups.setdefault(run["arm"], {}).setdefault(run["row"], []).append(run)
    return {arm: _arm(groups[arm], untrained or {}) for arm in _ordered(groups, ARMS)}


def _ordered(names: Iterable[str], first: Sequence[str]) -> list[str]:
    return sorted(names, key=lambda n: (first.index(n) if n in first else len(first), n))


def _arm(groups: Mapping[str, Sequence[Run]], untrained: Mapping[str, Scenes]) -> dict[str, Row]:
    names = _ordered(groups, ORDER)
    plain = groups.get(PLAIN, ())
    table: dict[str, Row] = {
        name: {
            "seeds": [run["seed"] for run in groups[name]],
            "curves": _curves(groups[name]),
            "answers": _answers(groups[name], () if name == PLAIN else plain),
            "pointing": _pointing(groups[name], untrained.get(name, {})),
            "interventions": _interventions(groups[name]),
            "deletion_insertion": _areas(groups[name]),
        }
        for name in names
    }
    rows = table.values()
    _adjust([row["answers"][s]["accuracy"] for row in rows for s in row["answers"]], "p")
    maps = [cell for row in rows for cell in _leaves(row["pointing"])]
    _adjust(maps, "p")
    _adjust(maps, "p_untrained")
    _adjust([cell for row in rows for cell in _leaves(row["interventions"])], "p")
    return table


def _leaves(tree: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> list[Any]:
    return [
        leaf for inner in tree.values() for leaves in inner.values() for leaf in leaves.values()
    ]


def _adjust(cells: Sequence[Any], key: str) -> None:
    """Replace p-values by Holm's."""
    known = {i: cell[key] for i, cell in enumerate(cells) if cell.get(key) is not None}
    for i, value in holm(known).items():
        cells[i][key] = value


def stat(values: Sequence[float]) -> Stat:
    """Return mean and deviation over seeds."""
    mean, sd = mean_sd(values)
    return {
        "mean": round(mean, DIGITS),
        "sd": None if sd is None else round(sd, DIGITS),
        "seeds": len(values),
    }


def _compared(own: Bits, other: Bits | None) -> Compared:
    """Compare shares of (S, N) with those of (S', N) of the same photos."""
    low, high = bootstrap(own)
    result: Compared = {
        **stat(own.mean(1).tolist()),
        "interval": [round(low, DIGITS), round(high, DIGITS)],
        "difference": None,
        "p": None,
    }
    if other is not None and len(other):
        result["difference"] = round(float(own.mean() - other.mean()), DIGITS)
        result["p"] = sign_flip_test(own, other)
    return result


def _scenes(runs: Sequence[Run], part: str) -> dict[str, list[tuple[Run, Any]]]:
    """Return scene -> (run, that part of its record), for the runs that have it."""
    found: dict[str, list[tuple[Run, Any]]] = {}
    for run in runs:
        for scene, record in run["measures"]["scenes"].items():
            if part in record:
                found.setdefault(scene, []).append((run, record[part]))  # type: ignore[literal-required]
    return found


def _true(run: Run, scene: str, count: int) -> Bits:
    measures = run["measures"]
    packed = measures["boxed_labels"] if scene == "boxed224" else measures["labels"]
    return unpack_classes(packed)[:count]


def _predicted(run: Run, scene: str) -> tuple[Bits, Bits]:
    """Return a scene's predicted and true classes, (N,) each."""
    record = run["measures"]["scenes"][scene]["answers"]
    true = _true(run, scene, record["count"])
    return unpack_classes(record["predicted"], true), true


def _right(run: Run, scene: str) -> Bits:
    """Return whether each photo's class was predicted, (N,)."""
    return np.equal(*_predicted(run, scene))


def _answers(runs: Sequence[Run], plain: Sequence[Run]) -> dict[str, dict[str, Any]]:
    others, table = _scenes(plain, "answers"), {}
    for scene, records in _scenes(runs, "answers").items():
        right = np.stack([_right(run, scene) for run, _ in records])
        beside = [_right(run, scene) for run, _ in others.get(scene, ())]
        figures: dict[str, Any] = {
            "accuracy": _compared(right, np.stack(beside) if beside else None)
        }
        for name in ("temperature", "nll", "ece", "nll_transferred", "ece_transferred"):
            figures[name] = stat([record[name] for _, record in records])
        table[scene] = figures
    return table


def _hits(records: Sequence[Mapping[str, Mapping[str, Pointing]]], method: str, stage: str) -> Bits:
    cells = [record[method][stage] for record in records if stage in record.get(method, {})]
    return (
        np.stack([unpack_flags(cell["hits"], cell["count"]) for cell in cells])
        if cells
        else np.empty((0, 0), bool)
    )


def _pointing(runs: Sequence[Run], untrained: Scenes) -> Cells:
    table: Cells = {}
    for scene, pairs in _scenes(runs, "pointing").items():
        records = [record for _, record in pairs]
        start = untrained[scene]["pointing"] if scene in untrained else {}
        table[scene] = {
            method: {stage: _pointed(records, start, method, stage) for stage in stages}
            for method, stages in records[0].items()
            if method != "centre"
        }
    return table


def _pointed(
    records: Sequence[Mapping[str, Mapping[str, Pointing]]],
    before: Mapping[str, Mapping[str, Pointing]],
    method: str,
    stage: str,
) -> dict[str, Any]:
    own = _hits(records, method, stage)
    count = own.shape[1]
    centre = _hits(records[:1], "centre", "image")[:, :count]
    cell: dict[str, Any] = dict(_compared(own, centre))
    cell["centre"] = round(float(centre.mean()), DIGITS)
    figures = [record[method][stage] for record in records]
    if all("small" in figure for figure in figures):
        cell["small"] = stat([figure["small"] for figure in figures])
        cell["small_centre"] = records[0]["centre"]["image"]["small"]
    start = _hits([before], method, stage)
    if len(start):
        shared = min(count, start.shape[1])
        cell["untrained"] = round(float(start.mean()), DIGITS)
        cell["p_untrained"] = sign_flip_test(own[:, :shared], start[:, :shared])
    return cell


def _interventions(runs: Sequence[Run]) -> Cells:
    table: Cells = {}
    for scene, pairs in _scenes(runs, "interventions").items():
        for edit, places in pairs[0][1].items():
            for where in places:
                cell = _edited(scene, [(run, record[edit][where]) for run, record in pairs])
                table.setdefault(scene, {}).setdefault(edit, {})[where] = cell
    return table


def _edited(scene: str, cells: Sequence[tuple[Run, Intervention]]) -> dict[str, Any]:
    after, before = [], []
    for run, cell in cells:
        own, true = (classes[: cell["count"]] for classes in _predicted(run, scene))
        after.append(unpack_classes(cell["predicted"], own) == true)
        before.append(own == true)
    return {
        **_compared(np.stack(after), np.stack(before)),
        "before": round(float(np.mean(before)), DIGITS),
        "changed": stat([cell["changed"] for _, cell in cells]),
        "probability_change": stat([cell["probability_change"] for _, cell in cells]),
    }


def _areas(runs: Sequence[Run]) -> dict[str, dict[str, Any]]:
    """Return map -> `deletion` and `insertion`, with how far a blind map is from the network's."""
    records: list[Any] = [run["measures"]["deletion_insertion"] for run in runs]
    table: dict[str, dict[str, Any]] = {}
    for name in records[0]:
        for kind in ("deletion", "insertion"):
            values, own = (
                np.stack([unpack_shares(record[which][kind]["values"]) for record in records])
                for which in (name, "map")
            )
            cell: dict[str, Any] = dict(stat(values.mean(1).tolist()))
            if name != "map":
                low, high = bootstrap(values - own)
                cell["minus_map"] = [round(low, DIGITS), round(high, DIGITS)]
            table.setdefault(name, {})[kind] = cell
    return table


def _curves(runs: Sequence[Run]) -> list[dict[str, Stat]]:
    """Return, epoch by epoch, every number over the seeds that got so far."""
    curves: list[list[Mapping[str, float]]] = [run["card"]["curves"] for run in runs]
    table = []
    for epoch in range(max(map(len, curves))):
        points = [curve[epoch] for curve in curves if epoch < len(curve)]
        names = [n for n in points[0] if all(n in point for point in points)]
        table.append({n: stat([point[n] for point in points]) for n in names})
    return table
