"""Killed with -9 at any moment, an import ends as one left alone; cancelled, it is gone."""

from __future__ import annotations

import contextlib
import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from app.core.settings import Settings
from app.datasets.deletion import delete_dataset
from app.datasets.index import key_of
from app.datasets.receive import received
from app.db import datasets as rows
from app.db.models import new_id
from app.db.training_models import Dataset
from app.jobs import service
from app.jobs.parameters import PREPARATION, ImportDataset
from app.jobs.reaper import Reaper
from tests.conftest import ROOT
from tests.support.archives import classes, picture, zip_of
from tests.support.backend import Server, wait_for
from tests.support.web import files_of

KILLS = 4
QUICK: dict[str, Any] = {"heartbeat_seconds": 0.2, "stale_seconds": 1.0, "max_attempts": 50}


@pytest.fixture(params=["sqlite", "postgres"])
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Server]:
    url = request.getfixturevalue("postgres_url") if request.param == "postgres" else ""
    settings = Settings(home=tmp_path / "home", database_url=url, min_free_bytes=0, **QUICK)
    made = Server(settings)
    yield made
    made.close()


@contextlib.contextmanager
def working(server: Server) -> Iterator[subprocess.Popen[bytes]]:
    """A worker process of the queue `preparation`; killed with its decoders at the end."""
    process = subprocess.Popen(
        [sys.executable, "-m", "worker.local", "--name", f"w{new_id()}", "--queue", PREPARATION],
        cwd=ROOT,
        env={**os.environ, **server.settings.as_environment()},
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield process
    finally:
        children = psutil.Process(process.pid).children()
        process.kill()
        process.communicate()
        psutil.wait_procs(children, timeout=20)


def bring(server: Server, data: bytes) -> str:
    """Upload an archive; return the dataset's identifier."""
    dataset_id = new_id()
    with (
        received([data], server.blobs, server.settings) as keep,
        server.sessions.begin() as session,
    ):
        params = ImportDataset(dataset_id=dataset_id, source="archive")
        job = service.enqueue(session, "import_dataset", PREPARATION, params)
        session.add(
            Dataset(id=dataset_id, name="pets", source="archive", job_id=job.id, created_by="admin")
        )
        keep(session, dataset_id)
    return dataset_id


def state(server: Server, dataset_id: str) -> tuple[str, float]:
    with server.readers() as session:
        row = rows.get(session, dataset_id)
        assert row is not None
        return row.job.state, row.job.progress


def left(server: Server) -> list[str]:
    """The files of all datasets; unlike `files_of` while folders vanish."""
    walked = os.walk(server.settings.blob_dir)
    return [str(Path(folder, name)) for folder, _, names in walked for name in names]


def outcome(server: Server, dataset_id: str) -> tuple[Any, ...]:
    """All that an import leaves: its row, its index, its files."""
    with server.readers() as session:
        row = rows.get(session, dataset_id)
        assert row is not None
        assert row.job.state == "succeeded", row.job.detail
        facts = (row.classes, row.train_images, row.val_images, row.bytes, row.fingerprint)
        report = row.report
    index = json.loads(server.blobs.get(key_of(dataset_id)))
    files = {name.split("/")[-1] for name in files_of(server.settings) if dataset_id in name}
    return *facts, report, index, files


@pytest.fixture(scope="module")
def archive() -> bytes:
    """3,000 images, some broken, some doubled."""
    files = {f"{'cat' if n % 3 else 'dog'}/{n}.jpg": picture(n) for n in range(3000)}
    for n in range(0, 300, 7):
        files[f"cat/broken {n}.jpg"] = picture(n)[: 200 + n]
        files[f"dog/copy {n}.jpg"] = picture(n)
    return zip_of(files)


@pytest.mark.parametrize("server", ["sqlite"], indirect=True)
def test_a_killed_import_ends_the_same(server: Server, archive: bytes) -> None:
    undisturbed = bring(server, archive)
    with working(server):
        wait_for(lambda: state(server, undisturbed)[0] == "succeeded", every=0.05)
    disturbed = bring(server, archive)
    dice = random.Random(3)
    reaper = Reaper(server.sessions, server.settings)
    hits = 0
    for _ in range(KILLS):
        with working(server):
            wait_for(lambda: state(server, disturbed)[0] != "queued", every=0.01)
            time.sleep(dice.uniform(0.02, 0.8))
            hits += state(server, disturbed)[0] == "running"
        time.sleep(server.settings.stale_seconds + 0.2)
        reaper.tick()
    with working(server):
        wait_for(lambda: state(server, disturbed)[0] == "succeeded", every=0.05)
    assert hits >= KILLS / 2, "hardly a kill hit the import"
    assert outcome(server, disturbed) == outcome(server, undisturbed)
    assert not [name for name in files_of(server.settings) if "work-" in name or "archive" in name]


def test_a_cancelled_or_deleted_import_leaves_nothing(server: Server, archive: bytes) -> None:
    with working(server) as process:
        for delete in (False, True):
            dataset_id = bring(server, archive)
            wait_for(lambda d=dataset_id: state(server, d)[1] > 0.02, every=0.01)
            with server.sessions.begin() as session:
                row = rows.get(session, dataset_id)
                assert row is not None
                if delete:
                    delete_dataset(session, server.blobs, row)
                else:
                    assert service.request_cancel(session, row.job)
            wait_for(lambda: left(server) == [], seconds=60)
            follower = bring(server, zip_of(classes("ant", "bee")))
            wait_for(lambda f=follower: state(server, f)[0] == "succeeded", seconds=120)
            assert not [name for name in left(server) if dataset_id in name]
            with server.sessions.begin() as session:
                row = rows.get(session, follower)
                assert row is not None
                delete_dataset(session, server.blobs, row)
        assert process.poll() is None


def test_what_nobody_owns_is_swept_up(server: Server) -> None:
    from app.datasets.deletion import sweep

    kept = bring(server, zip_of({"a/1.jpg": picture(1)}))
    server.blobs.put(f"datasets/{'0' * 32}/000001", b"left by a worker that was killed")
    with server.sessions.begin() as session:
        assert sweep(session, server.blobs, older_than=3600) == 0
        assert sweep(session, server.blobs, older_than=0) == 1
    assert files_of(server.settings) == {f"datasets/{kept}/archive"}
