"""The study's tables, for docs and for the page, made of all runs' records."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from ml.errors import MlError
from ml.study.aggregate import ARMS, Run, aggregate
from ml.study.goals import Goal, goals
from ml.study.sections import arm_tables, lines_of

BEGIN, END = "<!-- study:begin -->", "<!-- study:end -->"


def study_json(runs: Iterable[Run]) -> dict[str, Any]:
    """Return everything that the page shows of the study: `arms` and `goals`."""
    table = aggregate(runs)
    return {"arms": table, "goals": goals(table)}


def put_into(document: str, runs: Iterable[Run]) -> str:
    """Return a Markdown document with the tables between its two markers made anew.

    Raises:
        MlError: It lacks the markers.
    """
    before, begin, rest = document.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise MlError(f"The document needs a line {BEGIN} and, below it, a line {END}.")
    return f"{before}{BEGIN}\n\n{markdown(runs)}\n{END}{after}"


def markdown(runs: Iterable[Run]) -> str:
    """Return all tables in Markdown, of whatever runs there are."""
    table = aggregate(runs)
    parts = ["### Goals", "", *_goals(goals(table))]
    for arm, rows in table.items():
        parts += ["", f"### Trained on {_trained_on(arm)}", "", *arm_tables(rows)]
    return "\n".join(parts) + "\n"


def _trained_on(arm: str) -> str:
    known = dict(zip(ARMS, ("ordinary views", "placed views among the others"), strict=True))
    return known.get(arm, f"{arm} views")


def _goals(reached: Sequence[Goal]) -> list[str]:
    words = {True: "yes", False: "**no**", None: "runs are missing"}
    return lines_of(
        ("what", "goal", "result", "reached"),
        ((g["what"], g["goal"], g["result"], words[g["met"]]) for g in reached),
    )
