"""There are no import circles, and only the settings read the server's environment."""

from __future__ import annotations

import re
from graphlib import TopologicalSorter
from pathlib import Path

import grimp

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("app", "ml", "worker")


def test_no_import_circles() -> None:
    """TopologicalSorter raises CycleError, which names the modules of a circle."""
    graph = grimp.build_graph(*PACKAGES, cache_dir=None)
    imported = {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}
    assert len(imported) > 300
    TopologicalSorter(imported).prepare()


def test_only_the_settings_read_the_servers_environment() -> None:
    """`ml` and `worker` may read variables of torchrun and the system, but no server's settings."""
    reading = re.compile(r"(environ|getenv)[^\n]*SIGHTLINE_|env_prefix")
    files = [path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]
    readers = [path.relative_to(ROOT) for path in files if reading.search(path.read_text())]
    assert readers == [Path("app/core/settings.py")]
