"""Text has three sizes, and marks in charts and cells one (docs/adr/0045); one module fetches."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

STYLES = sorted((Path(__file__).resolve().parents[2] / "static" / "css").glob("*.css"))
SIZE = re.compile(r"(?:\bfont-size|\bfont):\s*([^;}]+)")
ALLOWED = re.compile(
    r"inherit|(?:\d+ )?(?:var\(--(?:small|body|large|mark)\)|0\.\d+em)(?:/.*|\s.*)?"
)


@pytest.mark.parametrize("path", STYLES, ids=lambda path: path.name)
def test_text_has_no_other_size(path: Path) -> None:
    text = re.sub(r"/\*.*?\*/", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    assert [size for size in SIZE.findall(text) if not ALLOWED.fullmatch(size.strip())] == []


def test_one_module_asks_the_server() -> None:
    """The others go through it, so that nothing is asked for once only."""
    scripts = STYLES[0].parents[1] / "js"
    asking = re.compile(r"(?<![.\w#])(?:fetch\(|new EventSource)|\.decode\(\)")
    comments = re.compile(r"(?s:/\*.*?\*/)|//.*")
    code = {path.name: comments.sub("", path.read_text()) for path in scripts.rglob("*.js")}
    found = {name for name, text in code.items() if asking.search(text)}
    assert found == {"net.js", "lead.js"}  # the large photo waits for a picture of the page
