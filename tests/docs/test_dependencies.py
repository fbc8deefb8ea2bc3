"""pyproject.toml and the lock files have exactly the packages that the code imports."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
OWN = {"app", "bench", "migrations", "ml", "tests", "tools", "worker"}
# Found by name at run time, not imported: uvicorn's loop and parser, drivers.
BY_NAME = {"httptools", "uvloop", "psycopg", "redis"}


def imported(*folders: str) -> set[str]:
    """Top-level modules that the folders' files import."""
    names: set[str] = set()
    for path in (p for folder in folders for p in (ROOT / folder).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                names |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                names.add(node.module.partition(".")[0])
    return names - set(sys.stdlib_module_names) - OWN


def distributions(modules: set[str]) -> set[str]:
    """The packages of these modules."""
    known = packages_distributions()
    return {canonicalize_name(known[module][0]) for module in modules}


def declared(lines: list[str]) -> set[str]:
    return {canonicalize_name(Requirement(line).name) for line in lines}


def pins(name: str) -> dict[str, str]:
    lines = (ROOT / name).read_text().splitlines()
    pairs = (line.split("==") for line in lines if not line.startswith(("#", "-c ")))
    return dict(pairs)


RUN = declared(PROJECT["dependencies"])
DEV = declared(PROJECT["optional-dependencies"]["dev"])


def test_the_code_imports_its_declared_dependencies():
    needed = distributions(imported("app", "ml", "worker", "migrations"))
    assert needed - RUN == set()
    assert RUN - needed - BY_NAME == set()


def test_the_tests_import_only_declared_dependencies():
    assert distributions(imported("tests", "tools")) - RUN - DEV == set()


@pytest.mark.parametrize(
    ("extra", "locks"),
    [
        (None, ["requirements.lock"]),
        ("dev", ["requirements.lock", "requirements-dev.lock"]),
        ("bench", ["requirements.lock", "requirements-dev.lock", "requirements-bench.lock"]),
    ],
)
def test_every_declared_package_is_pinned_within_its_range(extra, locks):
    lines = PROJECT["optional-dependencies"][extra] if extra else PROJECT["dependencies"]
    pinned = {name: version for lock in locks for name, version in pins(lock).items()}
    for requirement in map(Requirement, lines):
        version = pinned[canonicalize_name(requirement.name)]
        assert requirement.specifier.contains(version), requirement


@pytest.mark.parametrize("path", sorted(ROOT.glob("*.lock")), ids=lambda p: p.name)
def test_lock_files_have_exact_versions_and_no_url(path):
    lines = [line for line in path.read_text().splitlines() if not line.startswith(("#", "-c "))]
    assert lines
    for line in lines:
        assert re.fullmatch(r"[a-z0-9-]+==[0-9][0-9a-z.]*", line), line
