"""From records of runs to the tables, with figures that are known beforehand."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import numpy as np
import pytest

from ml.errors import MlError
from ml.study.aggregate import ORDER, aggregate
from ml.study.goals import goals
from ml.study.measure import measure, measure_untrained
from ml.study.packing import pack_classes, pack_flags, pack_shares, unpack_classes, unpack_shares
from ml.study.records import VERSION
from ml.study.tables import BEGIN, END, markdown, page_json, put_into, study_json
from ml.train.generators import result_of
from tests.ml.study import toy

PHOTOS = 200


def first(share: float, count: int = PHOTOS) -> np.ndarray:
    """True for the first of them."""
    return np.arange(count) < round(share * count)


def answered(accuracy: float, beside: Any = 1) -> dict[str, Any]:
    """Answers of class 1 where they are right, else 0; the truth is always 1."""
    figures = dict.fromkeys(("temperature", "nll", "nll_transferred", "ece_transferred"), 1.0)
    right = first(accuracy).astype(int)
    return {
        **figures,
        "count": PHOTOS,
        "accuracy": accuracy,
        "ece": 0.01,
        "predicted": pack_classes(right, beside),
        "probability": pack_shares(right),
    }


def run(mechanism: str, seed: int = 0, arm: str = "ordinary", **scenes: Any) -> Any:
    """A run of which each scene is given as (accuracy, with even masks, mask's hits)."""
    records = {}
    for name, (accuracy, even, hit) in scenes.items():
        records[name] = {"answers": answered(accuracy)}
        if even is not None:
            edited = {
                **answered(even, first(accuracy)),
                "changed": accuracy - even,
                "probability_change": even - accuracy,
            }
            records[name]["interventions"] = {"even": {"all": edited}}
        if hit is not None:
            cells = {"count": PHOTOS, "hit": hit, "hits": pack_flags(first(hit))}
            centre = {"count": PHOTOS, "hit": 0.2, "hits": pack_flags(first(0.2))}
            records[name]["pointing"] = {
                "attention": {"late": cells},
                "centre": {"image": centre},
            }
    curve = {"mean": 0.5, "values": pack_shares(np.full(50, 0.5))}
    areas = {"deletion": curve, "insertion": curve}
    return {
        "row": mechanism,
        "arm": arm,
        "seed": seed,
        "card": {"curves": [{"epoch": 1, "val_accuracy": 0.9 + seed / 100}]},
        "measures": {
            "version": VERSION,
            "temperature": 1.0,
            "labels": pack_classes(np.ones(PHOTOS)),
            "boxed_labels": pack_classes(np.ones(PHOTOS)),
            "scenes": records,
            "deletion_insertion": dict.fromkeys(("map", "gaussian", "random"), areas),
        },
    }


def test_packed_numbers_come_back() -> None:
    assert unpack_classes(pack_classes(np.array([0, 9, 255]))).tolist() == [0, 9, 255]
    others = np.array([7, 9, 0])
    packed = pack_classes(np.array([9, 9, 255]), others)
    assert unpack_classes(packed, others).tolist() == [9, 9, 255]
    shares = np.array([0, 0.25, 1.0])
    assert unpack_shares(pack_shares(shares)).tolist() == shares.tolist()


def test_accuracy_is_a_mean_over_seeds_compared_with_plain() -> None:
    runs = [
        *(run("plain", seed, placed35=(0.5, None, None)) for seed in (0, 1, 2)),
        run("l2pa", 0, placed35=(0.7, None, None)),
        run("l2pa", 1, placed35=(0.8, None, None)),
        run("cbam", 0, placed35=(0.5, None, None)),
    ]
    rows = aggregate(runs)["ordinary"]
    assert list(rows) == ["plain", "l2pa", "cbam"]
    accuracy = rows["l2pa"]["answers"]["placed35"]["accuracy"]
    assert accuracy["mean"] == 0.75
    assert accuracy["sd"] == pytest.approx(0.1 / 2**0.5, abs=1e-5)
    assert accuracy["seeds"] == 2
    assert accuracy["difference"] == pytest.approx(0.25)
    assert accuracy["p"] < 1e-10
    assert accuracy["interval"][0] < 0.7 < 0.8 < accuracy["interval"][1]
    same = rows["cbam"]["answers"]["placed35"]["accuracy"]
    assert (same["sd"], same["difference"], same["p"]) == (None, 0, 1)
    assert rows["plain"]["answers"]["placed35"]["accuracy"]["p"] is None
    curve = rows["plain"]["curves"][0]["val_accuracy"]
    assert (curve["mean"], curve["sd"]) == (0.91, 0.01)


def test_p_values_grow_with_the_number_of_rows() -> None:
    """Six photos of difference: p = 2 / 2^6, twice as much beside a second comparison."""
    plain, better = run("plain", ordinary=(0.5, None, None)), (0.53, None, None)
    alone = aggregate([plain, run("l2pa", ordinary=better)])
    beside = aggregate([plain, run("l2pa", ordinary=better), run("cbam", ordinary=better)])
    ps = [
        table["ordinary"]["l2pa"]["answers"]["ordinary"]["accuracy"]["p"]
        for table in (alone, beside)
    ]
    assert ps == pytest.approx([2 / 64, 4 / 64])


def test_masks_are_compared_with_the_centre_and_the_start() -> None:
    scenes = run("l2pa", placed35=(0.1, None, 0.3))["measures"]["scenes"]
    table = aggregate([run("l2pa", placed35=(0.7, 0.4, 0.9))], {"l2pa": scenes})
    row = table["ordinary"]["l2pa"]
    hit = row["pointing"]["placed35"]["attention"]["late"]
    assert (hit["mean"], hit["centre"], hit["untrained"]) == (0.9, 0.2, 0.3)
    assert hit["difference"] == pytest.approx(0.7)
    assert hit["p"] < hit["p_untrained"] < 1e-30
    even = row["interventions"]["placed35"]["even"]["all"]
    assert (even["before"], even["mean"], even["difference"]) == (0.7, 0.4, pytest.approx(-0.3))
    assert even["changed"]["mean"] == pytest.approx(0.3)


def whole_study(accuracy: float, hit: float, even: float) -> list[Any]:
    runs = []
    for name in ORDER:
        mine, lost, pointed = (0.5, None, None) if name == "plain" else (accuracy, even, hit)
        cells = dict.fromkeys(("placed50", "boxed224"), (0.9, None, pointed))
        cells |= {"ordinary": (0.98, None, None), "placed35": (mine, lost, pointed)}
        runs.append(run(name, arm="ordinary", **cells))
        runs.append(run(name, arm="placed", **{**cells, "placed35": (0.9, lost, pointed)}))
    for each in runs:  # the combined mask is the late one here
        pointing = each["measures"]["scenes"]["boxed224"].get("pointing")
        if pointing:
            pointing["attention"]["combined"] = pointing["attention"]["late"]
    return runs


def test_goals_are_worked_out() -> None:
    reached = goals(aggregate(whole_study(0.8, 0.96, 0.4)))
    assert [goal["met"] for goal in reached] == [True] * len(reached)
    failed = {g["what"]: g for g in goals(aggregate(whole_study(0.55, 0.9, 0.85)))}
    named = [what for what, goal in failed.items() if not goal["met"]]
    assert [what.split(":")[0] for what in named] == [
        "ordinary arm, placed at 35 %",
        "placed arm, placed at 50 %",
        "placed arm, placed at 35 %",
        "placed arm, photos with boxes",
        "photos at which answers need the mask",
    ]
    assert "l2pa +5.0 points" in failed[named[0]]["result"]


def test_a_goal_is_open_while_runs_are_missing() -> None:
    assert {goal["met"] for goal in goals({})} == {None}
    some = goals(aggregate([run("plain", ordinary=(0.98, None, None))]))
    assert some[0]["result"] == "plain 98.0%"
    assert {goal["met"] for goal in some} == {None}


@cache
def toy_study() -> Any:
    split, boxed = toy.photos()
    measures = result_of(measure(toy.network(), split, boxed, side=toy.SIDE))
    start = result_of(measure_untrained(toy.network(), split, boxed, side=toy.SIDE))
    rest = {"seed": 0, "card": {"curves": []}, "measures": measures}
    return study_json([{"row": "l2pa", "arm": "placed", **rest}], {"l2pa": start})


def test_tables_of_whatever_runs_there_are() -> None:
    assert "runs are missing" in markdown(study_json([], {}))
    text = markdown(toy_study())
    assert "### Trained on placed views" in text
    assert "| `l2pa` | 1 | 100.0" in text
    assert "| `l2pa` | mask | late | " in text
    assert "-100.0* (100 %, -0.9" in text
    for block in text.split("\n\n"):
        rows = [line.count("|") for line in block.splitlines() if line.startswith("|")]
        assert len(set(rows)) <= 1
    assert json.loads(json.dumps(toy_study())) == toy_study()


def test_the_page_gets_the_same_tables_and_the_curves() -> None:
    runs = [run("plain", seed, ordinary=(0.5, None, None)) for seed in (0, 1)]
    shown = page_json(study_json(runs, {}), 42, {"plain": "Plain"})
    assert (shown["finished"], shown["total"], shown["titles"]) == (2, 42, {"plain": "Plain"})
    (arm,) = shown["arms"]
    assert (arm["name"], arm["title"]) == ("ordinary", "ordinary views")
    accuracy = arm["tables"][0]
    assert accuracy["head"] == ["model", "seeds", "ordinary photos"]
    assert accuracy["rows"] == [["plain", "2", "50.0 ± 0.0"]]
    deviation = pytest.approx(0.01 / 2**0.5, abs=1e-5)
    assert arm["curves"] == {"plain": [{"epoch": 1, "val_accuracy": [0.905, deviation]}]}
    assert all(goal["met"] is None for goal in shown["goals"])


def test_tables_go_between_the_markers_and_nowhere_else() -> None:
    document = f"# Models\n\n{BEGIN}\nold\n{END}\n\nThe rest.\n"
    once = put_into(document, toy_study())
    assert once.startswith(f"# Models\n\n{BEGIN}\n\n### Goals")
    assert once.endswith(f"\n\n{END}\n\nThe rest.\n")
    assert "old" not in once
    assert put_into(once, toy_study()) == once
    with pytest.raises(MlError, match="study:begin"):
        put_into("# Models\n", toy_study())


def test_another_versions_record_is_refused() -> None:
    old = run("cbam", 2)
    old["measures"]["version"] = VERSION - 1
    with pytest.raises(MlError, match=r"cbam-ordinary-2 .* Delete"):
        aggregate([old])
