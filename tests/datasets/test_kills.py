"""Killed with -9 at any moment, an import ends as one left alone; cancelled, it is gone.

`tests/soak/test_dataset_kills.py` does the same on both kinds of database, many times.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from app.datasets.deletion import sweep
from tests.support.archives import picture, zip_of
from tests.support.backend import Server
from tests.support.dataset_imports import (
    archive_of,
    bring,
    check_killed_import,
    check_stopped_import,
    make_server,
)
from tests.support.import_worker import importing
from tests.support.web import files_of


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    made = make_server(tmp_path / "home")
    yield made
    made.close()


@pytest.fixture(scope="module")
def archive() -> bytes:
    """Images enough to keep a worker busy until it is stopped."""
    return archive_of(400)


def test_a_killed_import_ends_the_same(server: Server, archive: bytes) -> None:
    check_killed_import(server, archive, moments=[0.0])


def test_a_cancelled_or_deleted_import_leaves_nothing(server: Server, archive: bytes) -> None:
    with importing(server.settings):
        for delete in (False, True):
            check_stopped_import(server, archive, delete=delete)


def test_what_nobody_owns_is_swept_up(server: Server) -> None:
    kept = bring(server, zip_of({"a/1.jpg": picture(1)}))
    server.blobs.put(f"datasets/{'0' * 32}/000001", b"left by a worker that was killed")
    with server.sessions.begin() as session:
        assert sweep(session, server.blobs, older_than=3600) == 0
        assert sweep(session, server.blobs, older_than=0) == 1
    assert files_of(server.settings) == {f"datasets/{kept}/archive"}
