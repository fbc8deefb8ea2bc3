"""The files, routes, commands and make targets that the documents name exist."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path

import pytest

from ml.__main__ import parser

ROOT = Path(__file__).resolve().parents[2]
NAMES = ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md"]
DOCUMENTS = [ROOT / name for name in NAMES] + sorted((ROOT / "docs").rglob("*.md"))
named = pytest.mark.parametrize("path", DOCUMENTS, ids=lambda p: str(p.relative_to(ROOT)))


def code(path: Path) -> str:
    """All code in backticks, blocks and inline."""
    return "\n".join(re.findall(r"```.*?```|`[^`\n]+`", path.read_text(), re.DOTALL))


@named
def test_linked_files_exist(path):
    links = re.findall(r"\]\(([^)#\s]+)", path.read_text())
    missing = [
        link for link in links if "://" not in link and not (path.parent / link).resolve().exists()
    ]
    assert missing == []


@named
def test_files_and_folders_exist(path):
    words = re.findall(
        r"(?<![\w/.])((?:app|ml|worker|bench|docs|tests|static)/[\w./-]*)", code(path)
    )
    assert [word for word in words if not (ROOT / word.rstrip(".")).exists()] == []


@named
def test_make_targets_exist(path):
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"\bmake ([a-z-]+)", code(path))) - targets == set()


@named
def test_commands_exist(path):
    commands = re.findall(r"(?:python|celery) (?:-m|-A) ([\w.]+)(?: ([a-z-]+))?", code(path))
    known = parser()._subparsers._group_actions[0].choices
    for module, word in commands:
        if module == "ml":
            assert not word or word in known, f"python -m ml {word}"
        else:
            place = ROOT.joinpath(*module.split("."))
            assert place.with_suffix(".py").is_file() or (place / "__main__.py").is_file(), module


def documented_routes() -> set[tuple[str, str]]:
    """(method, path) of the routes in the documents, parameters as {}."""
    routes = set()
    for path in DOCUMENTS:
        for method, route in re.findall(r"\b(GET|POST|DELETE) (/[\w/.{}-]+)", path.read_text()):
            routes.add((method.lower(), re.sub(r"\{\w+\}", "{}", route)))
        for method, route in re.findall(
            r"api\.(get|post)\(f\"\{base\}([^\"]+)\"", path.read_text()
        ):
            routes.add((method, "/api/v1" + re.sub(r"\{.*?\}", "{}", route)))
    return routes


def existing_routes() -> set[tuple[str, str]]:
    """(method, path) of the OpenAPI document, parameters as {}."""
    paths = json.loads((ROOT / "docs" / "openapi.json").read_text())["paths"]
    return {
        (method, re.sub(r"\{\w+\}", "{}", path)) for path, does in paths.items() for method in does
    }


def test_routes_exist():
    documented = documented_routes()
    assert len(documented) >= 8
    assert documented - existing_routes() == set()


def test_the_index_of_decisions_is_complete():
    folder = ROOT / "docs" / "adr"
    listed = re.findall(r"\]\((\d{4}-[\w-]+\.md)\)", (folder / "README.md").read_text())
    assert listed == sorted(path.name for path in folder.glob("[0-9]*.md"))


def test_every_route_is_documented():
    page = (ROOT / "docs" / "api.md").read_text()
    listed = re.findall(r"^\| `(GET|POST|DELETE) (\S+)` \|", page, re.MULTILINE)
    routes = {(m.lower(), re.sub(r"\{\w+\}", "{}", route)) for m, route in listed}
    assert routes == existing_routes()


def test_the_python_example_is_python():
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    assert blocks
    for block in blocks:
        ast.parse(block)
