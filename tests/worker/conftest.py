"""Servers to test workers with, one a queue mode: started once, and shared by most tests.

Their workers stay warm from test to test. A test waits for all that it asks of them, so that the
next one finds them idle; one that kills or restarts them leaves them serving.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.backend import Server, celery_backend, local_backend


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let one process have all tests of a shared server."""
    for item in items:
        names = set(getattr(item, "fixturenames", ())) & {"server", "local_server", "celery_server"}
        if item.path.parent.name == "worker" and names:
            called = getattr(item, "callspec", None)
            mode = called.params.get("server") if called is not None else None
            celery = mode == "celery" or "celery_server" in names
            group = "worker-celery" if celery else "worker-local"
            item.add_marker(pytest.mark.xdist_group(group))


@pytest.fixture(scope="session")
def local_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """SQLite with local workers; serving."""
    with local_backend(tmp_path_factory.mktemp("local")) as server:
        yield server


@pytest.fixture(scope="session")
def celery_server(tmp_path_factory: pytest.TempPathFactory, postgres: str) -> Iterator[Server]:
    """PostgreSQL with a Celery worker; serving."""
    with celery_backend(tmp_path_factory.mktemp("celery"), postgres) as server:
        yield server


@pytest.fixture(params=["local", "celery"])
def server(request: pytest.FixtureRequest) -> Server:
    """Either of them, for rules that depend on how a job reaches its worker."""
    found = request.getfixturevalue(f"{request.param}_server")
    assert isinstance(found, Server)
    return found
