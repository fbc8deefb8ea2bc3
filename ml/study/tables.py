"""The study's tables, for docs and for the page, made of all runs' records."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ml.errors import MlError
from ml.study.aggregate import ARMS, Run, Scenes, aggregate
from ml.study.goals import Goal, goals
from ml.study.sections import arm_tables, lines_of

BEGIN, END = "<!-- study:begin -->", "<!-- study:end -->"


def study_json(runs: Iterable[Run], untrained: Mapping[str, Scenes]) -> dict[str, Any]:
    """Return everything that the page shows of the study: `arms` and `goals`."""
    table = aggregate(runs, untrained)
    return {"arms": table, "goals": goals(table)}


def markdown(study: Mapping[str, Any]) -> str:
    """Return all tables in Markdown, from what `study_json` returned."""
    parts = ["### Goals", "", *_goals(study["goals"])]
    for arm, rows in study["arms"].items():
        parts += ["", f"### Trained on {_trained_on(arm)}", "", *arm_tables(rows)]
    return "\n".join(parts) + "\n"


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


def _trained_on(arm: str) -> str:
    known = dict(zip(ARMS, ("ordinary views", "placed views among the others"), strict=True))
    return known.get(arm, f"{arm} views")


def _goals(reached: Sequence[Goal]) -> list[str]:
    words = {True: "yes", False: "**no**", None: "runs are missing"}
    return lines_of(
        ("what", "goal", "result", "reached"),
        ((g["what"], g["goal"], g["result"], words[g["met"]]) for g in reached),
    )
