"""docs/settings.md matches app.core.settings.Settings, and no document names another setting."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from pydantic.fields import FieldInfo

from app.core.settings import MIB, Settings

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "settings.md"
ROW = re.compile(r"^\| `SIGHTLINE_([A-Z_]+)` \| (.+?) \| (.+?) \|$", re.MULTILINE)
# Read by the tests and by compose, not by the program.
ELSEWHERE = {"REQUIRE_SERVICES", "TEST_REDIS", "TEST_POSTGRES", "PUBLISH"}
DOCUMENTS = [
    *(ROOT / "docs").rglob("*.md"),
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md")),
    *(ROOT / name for name in ("Makefile", "Dockerfile")),
    *(ROOT / name for name in ("docker-compose.yml", ".env.example", ".ci/run")),
]


def default(field: FieldInfo) -> str:
    """The default as in the table."""
    if field.default_factory is not None:
        return "`~/.sightline`"
    value = field.default
    if value is None or value == "":
        return "none"
    if isinstance(value, int) and value % MIB == 0 and value:
        return f"`{value}` ({value // MIB} MiB)"
    return f"`{value}`"


def test_the_table_lists_every_setting_in_order_with_its_default_and_meaning():
    listed = [tuple(row) for row in ROW.findall(PAGE.read_text())]
    wanted = [
        (name.upper(), default(field), field.description)
        for name, field in Settings.model_fields.items()
    ]
    assert listed == wanted


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda p: str(p.relative_to(ROOT)))
def test_no_document_names_a_setting_that_does_not_exist(path):
    named = set(re.findall(r"SIGHTLINE_([A-Z_]*[A-Z])\b", path.read_text()))
    known = {name.upper() for name in Settings.model_fields} | ELSEWHERE
    assert named - known == set()
