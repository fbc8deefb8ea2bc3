"""Text from strangers in CSV files that people open with a spreadsheet."""

from __future__ import annotations

import pytest

from app.core.csv_cells import cells


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_a_formula_becomes_text(start: str) -> None:
    assert cells([f"{start}HYPERLINK(A1)"]) == [f"'{start}HYPERLINK(A1)"]


def test_numbers_and_other_text_stay() -> None:
    line = [-1.5, 2, None, "", "church", "a=b", "3x3", "'quoted"]
    assert cells(line) == line
