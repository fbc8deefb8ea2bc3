"""The study's tables, for docs and for the page, made of all runs' records."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ml.errors import MlError
from ml.study.aggregate import ARMS, Run, Scenes, Stat, aggregate
from ml.study.goals import Goal, goals
from ml.study.sections import CENTRE, MODEL, arm_tables

FIGURES = ("val_accuracy", "val_loss", "train_loss")  # of curves
BEGIN, END = "<!-- study:begin -->", "<!-- study:end -->"


def study_json(runs: Iterable[Run], untrained: Mapping[str, Scenes]) -> dict[str, Any]:
    """Return everything that the page shows of the study: `arms` and `goals`."""
    table = aggregate(runs, untrained)
    return {"arms": table, "goals": goals(table)}


def markdown(study: Mapping[str, Any]) -> str:
    """Return all tables in Markdown, from what `study_json` returned."""
    parts = ["### Goals", "", *_goals(study["goals"])]
    for arm, rows in study["arms"].items():
        parts += ["", f"### Trained on {_trained_on(arm)}"]
        for table in arm_tables(rows):
            parts += ["", table["words"], "", *_lines(table["head"], table["rows"])]
    return "\n".join(parts) + "\n"


def page_json(study: Mapping[str, Any], total: int, titles: Mapping[str, str]) -> dict[str, Any]:
    """Return what the study's page shows, from what `study_json` returned.

    Args:
        study: All finished runs.
        total: How many runs the study has.
        titles: Row -> what it is called.
    """
    arms = study["arms"]
    return {
        "finished": sum(len(row["seeds"]) for rows in arms.values() for row in rows.values()),
        "total": total,
        "titles": dict(titles),
        "arms": [
            {
                "name": arm,
                "title": _trained_on(arm),
                "tables": arm_tables(rows),
                "curves": {name: [_point(e) for e in row["curves"]] for name, row in rows.items()},
            }
            for arm, rows in arms.items()
        ],
        "goals": study["goals"],
    }


def _point(epoch: Mapping[str, Stat]) -> dict[str, Any]:
    """Return an epoch's figures as [mean, deviation or None]."""
    figures = {name: [epoch[name]["mean"], epoch[name]["sd"]] for name in FIGURES if name in epoch}
    return {"epoch": round(epoch["epoch"]["mean"]), **figures}


def put_into(document: str, study: Mapping[str, Any]) -> str:
    """Return a Markdown document with the tables between its two markers made anew.

    Raises:
        MlError: It lacks the markers.
    """
    before, begin, rest = document.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise MlError(f"The document needs a line {BEGIN} and, below it, a line {END}.")
    return f"{before}{BEGIN}\n\n{markdown(study)}\n{END}{after}"


def _lines(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Return a Markdown table's lines; names of models are code."""
    code = head[0] == MODEL
    named = ([f"`{n}`" if code and n != CENTRE else n, *rest] for n, *rest in rows)
    lines = [head, ["---"] * len(head), *named]
    return [f"| {' | '.join(line)} |" for line in lines]


def _trained_on(arm: str) -> str:
    known = dict(zip(ARMS, ("ordinary views", "placed views too"), strict=True))
    return known.get(arm, f"{arm} views")


def _goals(reached: Sequence[Goal]) -> list[str]:
    words = {True: "yes", False: "**no**", None: "runs are missing"}
    return _lines(
        ("what", "goal", "result", "reached"),
        ((g["what"], g["goal"], g["result"], words[g["met"]]) for g in reached),
    )
