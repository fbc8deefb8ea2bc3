"""Cells of CSV files that a spreadsheet must not run."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

FORMULA = ("=", "+", "-", "@", "\t", "\r")


def cells(values: Iterable[Any]) -> list[Any]:
    """Return the cells of a line; text that a spreadsheet would take for a formula is quoted.

    An apostrophe before it makes it text (OWASP: CSV Injection). Numbers stay numbers.
    """
    return [
        f"'{value}" if isinstance(value, str) and value.startswith(FORMULA) else value
        for value in values
    ]
