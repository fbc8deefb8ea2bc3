"""Class names in any script are drawn in figures, whole, and readable as text in a PDF."""

from __future__ import annotations

import re
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from pypdf import PdfReader

from ml.figures.fonts import fonts_for, wrapped
from ml.figures.table import Cell, Format, Row, Style, draw

MAP = Cell(np.linspace(0.1, 0.9, 49, dtype=np.float32).reshape(7, 7), "gate")
PHOTO = np.full((60, 60, 3), 180, np.uint8)
NAMES = {
    "chinese": "教堂",
    "japanese": "ゴルフボール",
    "korean": "골프공",
    "hebrew": "כנסייה",
    "arabic": "كنيسة",
    "cyrillic": "церковь",
    "money": "$5 or $6",  # no formula
}


def drawn(folder: Path, kind: Format, caption: str, **more: Any) -> Path:
    """A figure of one row; a warning of matplotlib (of a letter that it lacks) is an error."""
    path = folder / f"figure.{kind}"
    row = Row(more.pop("row", "Gated"), "learnt mask", caption, evidence=False, cells=[MAP])
    with warnings.catch_warnings(action="error"):
        draw([row], [("late", PHOTO)], path, kind, Style(), **more)
    return path


def letters(path: Path, text: str) -> list[tuple[str, float]]:
    """Glyph and place across of each letter of a text in an SVG, from left to right."""
    group = path.read_text().partition(f"<!-- {text} -->")[2].partition("</g>")[0]
    found = re.findall(r'<use xlink:href="#([^"]+)"(?: transform="translate\(([-\d.]+))?', group)
    return sorted(((glyph, float(x or 0)) for glyph, x in found), key=lambda one: one[1])


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
def test_a_name_is_drawn_in_every_format(name: str, tmp_path: Path) -> None:
    path = drawn(tmp_path, "svg", name, row=name, title=f"{name}.jpg")
    assert len({glyph for glyph, _ in letters(path, name)}) == len(set(name))
    page = PdfReader(drawn(tmp_path, "pdf", f"{name}  98%")).pages[0].extract_text()
    assert name in page
    assert "98" in page
    pictures = [np.asarray(Image.open(drawn(tmp_path, "png", word))) for word in (name, name[:-1])]
    assert (pictures[0] != pictures[1]).any()


def test_letters_join_and_run_from_right_to_left(tmp_path: Path) -> None:
    arabic = letters(drawn(tmp_path, "svg", "ببب"), "ببب")
    assert len({glyph for glyph, _ in arabic}) == 3  # at the end, in the middle, at the start
    both = letters(drawn(tmp_path, "svg", "אב"), "אב")
    alone = [letters(drawn(tmp_path, "svg", one), one)[0][0] for one in "אב"]
    assert [glyph for glyph, _ in both] == alone[::-1]


def test_plain_words_need_no_other_font() -> None:
    assert fonts_for(["golf ball  98%"]).families == ["DejaVu Sans"]
    assert fonts_for(["golf ball", "教堂"]).families == ["DejaVu Sans", "Noto Sans CJK JP"]


def test_what_no_font_has_is_named_in_the_figure(tmp_path: Path) -> None:
    """Two letters of no script: one that nobody has assigned, and one for private use."""
    path = drawn(tmp_path, "svg", "a\U0010fff0b\U000e0fff  98%", note="Colours: viridis")
    said = [words.strip() for words in re.findall(r"<!--(.*?)-->", path.read_text(), re.DOTALL)]
    assert "a?b?  98%" in said
    assert "Colours: viridis" in said
    instead = "? stands for U+E0FFF and 1 more: install a font that has it."
    assert instead in said


def test_long_names_take_lines_by_their_width(tmp_path: Path) -> None:
    assert wrapped("golf ball", 26) == ["golf ball"]
    assert wrapped("a b" * 20, 10) == [line for line in wrapped("a b" * 20, 10) if len(line) <= 10]
    for text in ("教" * 30, "w" * 60, "church of the seven very long names of it"):
        lines = wrapped(text, 26)
        assert "".join(lines).replace(" ", "") == text.replace(" ", "")
        wide = 2 if text[0] == "教" else 1
        assert max(len(line) for line in lines) * wide <= 26
    title = " ".join(f"part-{k}" for k in range(30)) + ".jpg    at 35% of the side"
    plain = drawn(tmp_path, "png", "church")
    low = Image.open(plain).size
    high = Image.open(drawn(tmp_path, "png", "church", title=title)).size
    assert low[0] == high[0]
    assert high[1] > low[1]
    pixels = np.asarray(Image.open(tmp_path / "figure.png").convert("L"))
    assert (pixels[:, -4:] == 255).all()  # nothing runs over the edge
