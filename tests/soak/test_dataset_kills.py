"""Imports of datasets, killed with -9 at random moments or stopped, on both kinds of database."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

from tests.support.databases import postgres_database
from tests.support.dataset_imports import (
    archive_of,
    check_killed_import,
    check_stopped_import,
    make_server,
    some_moments,
    working,
)

KILLS = 3


def test_a_killed_import_ends_the_same(
    rounds: Iterator[int], tmp_path: Path, postgres: str
) -> None:
    data = archive_of(2000)
    for seed in rounds:
        dice = random.Random(seed)
        with postgres_database(postgres) as url:
            server = make_server(tmp_path / str(seed), url if seed % 2 else "")
            check_killed_import(server, data, some_moments(dice, KILLS))
            server.close()


def test_a_cancelled_or_deleted_import_leaves_nothing(
    rounds: Iterator[int], tmp_path: Path, postgres: str
) -> None:
    data = archive_of(1000)
    for seed in rounds:
        with postgres_database(postgres) as url:
            server = make_server(tmp_path / str(seed), url if seed % 2 else "")
            with working(server) as worker:
                for delete in (False, True):
                    check_stopped_import(server, data, delete=delete)
                assert worker.is_running()
            server.close()
