"""Imports of datasets that are killed, cancelled, or run out of disk space."""

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

from app.core.settings import Settings
from app.datasets.deletion import delete_dataset
from app.datasets.receive import IncomingArchive
from app.db import datasets as rows
from app.db.tables import new_id
from app.db.training_tables import Dataset
from app.jobs import service
from app.jobs.parameters import PREPARATION, ImportDatasetJob
from app.jobs.reaper import Reaper
from app.media.uploads import dropped
from app.storage import keys
from tests.conftest import ROOT
from tests.support.archives import classes, picture, zip_of
from tests.support.backend import Server, wait_for
from tests.support.import_worker import import_all
from tests.support.processes import still_running
from tests.support.web import files_of

QUICK: dict[str, Any] = {"heartbeat_seconds": 0.2, "stale_seconds": 1.0, "max_attempts": 50}


def make_server(home: Path, database_url: str = "") -> Server:
    """A server that soon notices a dead worker."""
    return Server(Settings(home=home, database_url=database_url, min_free_bytes=0, **QUICK))


def archive_of(count: int) -> bytes:
    """`count` different images of two classes, and a tenth more that are broken or duplicates."""
    files = {f"{'cat' if n % 3 else 'dog'}/{n}.jpg": picture(n) for n in range(count)}
    for n in range(0, count, 20):
        files[f"cat/broken {n}.jpg"] = picture(n)[: 200 + n]
        files[f"dog/copy {n}.jpg"] = picture(n)
    return zip_of(files)


def bring(server: Server, data: bytes) -> str:
    """Upload an archive; return the dataset's identifier."""
    dataset_id = new_id()
    with dropped(IncomingArchive(server.blobs, server.settings)) as file:
        file.write(data)
        file.finish()
        _add(server, dataset_id, file)
    return dataset_id


def _add(server: Server, dataset_id: str, file: IncomingArchive) -> None:
    with server.sessions.begin() as session:
        params = ImportDatasetJob(dataset_id=dataset_id, source="archive")
        job = service.enqueue(session, params)
        session.add(
            Dataset(id=dataset_id, name="pets", source="archive", job_id=job.id, created_by="admin")
        )
        file.keep(session, dataset_id)


def dataset_row(server: Server, dataset_id: str) -> Dataset:
    """The dataset's row, which must exist."""
    with server.readers() as session:
        row = rows.get(session, dataset_id)
        assert row is not None
        return row


def state(server: Server, dataset_id: str) -> str:
    """The state of the dataset's import."""
    return dataset_row(server, dataset_id).job.state


def outcome(server: Server, dataset_id: str) -> tuple[Any, ...]:
    """Everything that an import stores: its row, its index, its files."""
    row = dataset_row(server, dataset_id)
    assert row.job.state == "succeeded", row.job.detail
    facts = (row.classes, row.train_images, row.val_images, row.bytes, row.fingerprint)
    index = json.loads(server.blobs.get(keys.dataset_index(dataset_id)))
    files = {name.split("/")[-1] for name in files_of(server.settings) if dataset_id in name}
    return *facts, row.report, index, files


@contextlib.contextmanager
def working(server: Server) -> Iterator[psutil.Process]:
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
        yield psutil.Process(process.pid)
    finally:
        children = psutil.Process(process.pid).children()
        process.kill()
        process.communicate()
        assert not still_running(children, seconds=20), "a decoder outlived its worker"


def kill_an_import(server: Server, dataset_id: str, delay: float = 0.0) -> bool:
    """Have a worker take an import and kill it so many seconds later; say whether that hit it."""
    with working(server) as worker:
        wait_for(lambda: state(server, dataset_id) != "queued", every=0.005)
        time.sleep(delay)  # not a wait for anything: the moment of the kill
        worker.suspend()
        hit = state(server, dataset_id) == "running"
    reaper = Reaper(server.sessions, server.settings)

    def is_noticed() -> bool:
        reaper.tick()
        return state(server, dataset_id) != "running"

    wait_for(is_noticed, every=0.1)
    return hit


def check_killed_import(server: Server, data: bytes, moments: list[float]) -> None:
    """An import that is killed at each of the moments has the result of an uninterrupted one.

    A moment is a share of the time that an uninterrupted import takes.
    """
    undisturbed = bring(server, data)
    began = time.monotonic()
    import_all(server.settings)
    seconds = time.monotonic() - began
    for _ in range(5):
        disturbed = bring(server, data)
        hits = [kill_an_import(server, disturbed, moment * seconds) for moment in moments]
        if any(hits):
            break
        seconds /= 2  # other work on this machine has ended since it was measured
    assert any(hits), "no kill hit the import"
    import_all(server.settings)
    assert outcome(server, disturbed) == outcome(server, undisturbed)
    assert not [name for name in files_of(server.settings) if "work-" in name or "archive" in name]


def check_stopped_import(server: Server, data: bytes, *, delete: bool) -> None:
    """A running import that is cancelled or deleted leaves nothing, and the next one works."""
    dataset_id = bring(server, data)

    def stop() -> bool:
        with server.sessions.begin() as session:
            row = rows.get(session, dataset_id)
            assert row is not None
            if row.job.state == "queued" or row.job.progress == 0:
                return False
            assert row.job.state == "running", row.job.detail
            if delete:
                delete_dataset(session, server.blobs, row)
            else:
                assert service.request_cancel(session, row.job)
        return True

    wait_for(stop, every=0.005)
    wait_for(lambda: _left(server) == [], seconds=60)
    follower = bring(server, zip_of(classes("ant", "bee", count=4)))
    wait_for(lambda: state(server, follower) == "succeeded", seconds=120)
    assert not [name for name in _left(server) if dataset_id in name]
    with server.sessions.begin() as session:
        row = rows.get(session, follower)
        assert row is not None
        delete_dataset(session, server.blobs, row)


def _left(server: Server) -> list[str]:
    """The files of all datasets; unlike `files_of`, folders may vanish meanwhile."""
    walked = os.walk(server.settings.blob_dir)
    return [str(Path(folder, name)) for folder, _, names in walked for name in names]


def check_full_disk(home: Path, disk: Path, count: int) -> str:
    """Import `count` images of each of two classes to a small disk; return the job's state.

    It succeeds, or it fails because the disk is full and leaves space for a smaller import.
    """
    server = Server(Settings(home=home, blobs=str(disk / "blobs"), min_free_bytes=0))
    dataset_id = bring(server, zip_of(classes("cat", "dog", count=count)))
    import_all(server.settings)
    row = dataset_row(server, dataset_id)
    if row.job.state != "succeeded":
        assert (row.job.state, row.job.error) == ("failed", "disk_full")
        assert "disk is full" in str(row.job.detail)
        assert files_of(server.settings) == set()
        small = bring(server, zip_of(classes("cat", "dog", count=4)))
        import_all(server.settings)
        assert state(server, small) == "succeeded"
    server.close()
    return row.job.state


def some_moments(dice: random.Random, kills: int) -> list[float]:
    """Moments to kill at, as shares of an import; the first is in its first half."""
    return [dice.uniform(0.0, 0.5), *(dice.uniform(0.0, 1.0) for _ in range(kills - 1))]
