"""Servers to test workers with: one a queue mode."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.backend import Server, home_settings

QUICK = {"heartbeat_seconds": 0.2, "stale_seconds": 1.5, "max_attempts": 100}


@pytest.fixture(params=["local", "celery"])
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Server]:
    """SQLite with a local worker, and PostgreSQL with Celery on Redis."""
    values: dict[str, object] = dict(QUICK)
    if request.param == "celery":
        values |= {
            "queue": "celery",
            "broker_url": request.getfixturevalue("redis_url"),
            "database_url": request.getfixturevalue("postgres_url"),
        }
    server = Server(home_settings(tmp_path / "home", **values))
    yield server
    server.close()


@pytest.fixture
def local_server(tmp_path: Path) -> Iterator[Server]:
    """SQLite with a local worker."""
    server = Server(home_settings(tmp_path / "home", **QUICK))
    yield server
    server.close()
