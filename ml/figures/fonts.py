"""Fonts that can draw a figure's words: matplotlib's, Noto's for East Asia, then the system's.

Matplotlib (3.11 and later) shapes the letters, and orders those that run from right to left.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from noto_cjk_sans_jp_regular import FONT_PATH

OWN = "DejaVu Sans"  # comes with matplotlib: Latin, Greek, Cyrillic, Hebrew, Arabic
INSTEAD = "?"  # of a character that no font here has
INVISIBLE = {"Cc", "Cf", "Zl", "Zp", "Zs"}  # categories that need no glyph


@dataclass(frozen=True)
class Fonts:
    """Families in the order in which a character is looked for, and the characters in none."""

    families: list[str]
    lacking: str = ""

    def drawable(self, text: str) -> str:
        """Return the text with a question mark for each character that cannot be drawn."""
        return text.translate(dict.fromkeys(map(ord, self.lacking), INSTEAD))

    @property
    def note(self) -> str:
        """What the figure says of the characters that it lacks, or nothing."""
        if not self.lacking:
            return ""
        first, more = self.lacking[0], len(self.lacking) - 1
        name = unicodedata.name(first, "").lower() or f"U+{ord(first):04X}"
        others = f" and {more} more" if more else ""
        return f"{INSTEAD} stands for {name}{others}: install a font that has it."


def fonts_for(texts: Iterable[str]) -> Fonts:
    """Return fonts for these texts: as few as needed, so that plain words look as ever."""
    left = {c for text in texts for c in text if unicodedata.category(c) not in INVISIBLE}
    families = []
    for name, path in _known():
        found = _covered(path, left)
        if found or name == OWN:
            families.append(name)
        left -= found
        if not left:
            break
    return Fonts(families, "".join(sorted(left)))


def wrapped(text: str, most: int) -> list[str]:
    """Return the text as it is, or in lines that are at most `most` letters wide.

    A Chinese, Japanese or Korean letter is as wide as two others.
    """
    if _width(text) <= most:
        return [text]
    lines = [""]
    for word in re.findall(r"\s*\S+", text):
        for part in [word] if _width(word.strip()) <= most else word:
            if _width(lines[-1] + part) <= most or not _width(part):
                lines[-1] += part
            else:
                lines.append(part.lstrip())
    return [line for line in lines if line]


def _width(text: str) -> int:
    """Return how wide a text is, in Latin letters; marks stand on the letter before them."""
    wide = sum(unicodedata.east_asian_width(c) in "WF" for c in text)
    return len(text) + wide - sum(unicodedata.category(c) in ("Mn", "Me") for c in text)


def _known() -> Iterator[tuple[str, str]]:
    """Name and file of every font, those of packages first."""
    from matplotlib import font_manager

    manager = font_manager.fontManager
    yield OWN, str(manager.findfont(OWN))
    yield _cjk(), str(FONT_PATH)
    system = {font.name: str(font.fname) for font in manager.ttflist if _is_of_use(font)}
    yield from sorted(system.items(), key=lambda pair: (not pair[0].startswith("Noto Sans"), pair))


def _is_of_use(font: Any) -> bool:
    """Whether it is another font, upright, not bold; Last Resort draws boxes."""
    upright = font.style == "normal" and font.weight in (400, "normal", "regular")
    return upright and font.name not in (OWN, _cjk()) and not font.name.startswith("Last Resort")


@cache
def _cjk() -> str:
    """Make Noto Sans CJK known to matplotlib, once; return its name."""
    from matplotlib import font_manager

    manager = font_manager.fontManager
    manager.addfont(str(FONT_PATH))
    entry = manager.ttflist[-1]
    manager.ttflist.append(replace(entry, weight=700))  # bold titles are drawn by it too
    return str(entry.name)


def _covered(path: str, characters: set[str]) -> set[str]:
    """Return those of the characters that a font file has."""
    from matplotlib import font_manager

    try:
        font = font_manager.get_font(path)
    except (OSError, RuntimeError):  # a file that is gone, or a font of bitmaps
        return set()
    return {c for c in characters if font.get_char_index(ord(c))}
