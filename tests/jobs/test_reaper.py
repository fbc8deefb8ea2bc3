"""The reaper recovers from dead workers and lost messages."""

from __future__ import annotations

import os
import time
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session, sessionmaker

from app.core.settings import Settings
from app.db import jobs
from app.db.media import give_up_copies
from app.db.tables import Job, Media, new_id, utcnow
from app.jobs import reaper as module
from app.jobs.doorbell import CeleryDoorbell, LocalDoorbell, attach, make_doorbell
from app.jobs.reaper import Reaper, ReaperThread
from app.storage.blobs import LocalBlobs
from tests.jobs.test_service import Listener, enqueue
from tests.support.backend import wait_for
from tests.support.databases import sqlite_settings as settings

__all__ = ["settings"]

Sessions = sessionmaker[Session]


@pytest.fixture
def bell(sessions: Sessions) -> Listener:
    bell = Listener(sessions)
    attach(sessions, bell)
    return bell


def enqueued(sessions: Sessions, bell: Listener, age: float = 0.0) -> str:
    """A queued job of this age whose message was lost."""
    with sessions.begin() as session:
        job_id = enqueue(session)
    with sessions.begin() as session:
        then = utcnow() - timedelta(seconds=age)
        session.execute(update(Job).where(Job.id == job_id).values(created_at=then))
    bell.rung.clear()
    return job_id


def state(sessions: Sessions, job_id: str) -> str:
    with sessions() as session:
        job = jobs.get(session, job_id)
        assert job is not None
        return job.state


def test_a_lost_message_is_rung_again_at_growing_intervals(
    sessions: Sessions, bell: Listener, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, _new = enqueued(sessions, bell, age=10), enqueued(sessions, bell)
    reaper = Reaper(sessions, settings)
    began, now = time.monotonic(), 0.0
    monkeypatch.setattr(module.time, "monotonic", lambda: began + now)
    rings = []
    for second in range(130):
        now = float(second)
        bell.rung.clear()
        reaper.tick()
        if ("inference", old) in bell.rung:
            rings.append(second)
    assert rings == [0, 2, 6, 14, 30, 62, 122]


def test_a_claimed_job_is_not_rung_for(
    sessions: Sessions, bell: Listener, settings: Settings
) -> None:
    job_id = enqueued(sessions, bell, age=10)
    with sessions.begin() as session:
        jobs.claim(session, job_id, "w")
    Reaper(sessions, settings).tick()
    assert bell.rung == []


def test_a_stale_job_is_requeued_and_rung_for(
    sessions: Sessions, bell: Listener, settings: Settings
) -> None:
    job_id = enqueued(sessions, bell)
    with sessions.begin() as session:
        jobs.claim(session, job_id, "dead")
        session.execute(update(Job).values(heartbeat_at=utcnow() - timedelta(hours=1)))
    Reaper(sessions, settings).tick()
    assert bell.rung == [("inference", job_id)]
    assert state(sessions, job_id) == "queued"


def test_a_dead_workers_job_is_requeued_at_once(
    sessions: Sessions, bell: Listener, settings: Settings
) -> None:
    job_id, others = enqueued(sessions, bell), enqueued(sessions, bell)
    with sessions.begin() as session:
        jobs.claim(session, job_id, "dead")
        jobs.claim(session, others, "alive")
    assert Reaper(sessions, settings).worker_died("dead")
    assert not Reaper(sessions, settings).worker_died("dead")
    assert bell.rung == [("inference", job_id)]
    assert (state(sessions, job_id), state(sessions, others)) == ("queued", "running")


def test_the_thread_survives_an_unreachable_database(
    sessions: Sessions, bell: Listener, settings: Settings, tmp_path: Path
) -> None:
    blobs = LocalBlobs(tmp_path / "blobs")
    left = blobs.incoming()
    left.write_bytes(b"half an upload")
    os.utime(left, (0, 0))
    quick = settings.model_copy(update={"heartbeat_seconds": 0.05, "stale_seconds": 0.2})
    thread = ReaperThread(sessions, blobs, quick)
    real, broken = thread.reaper.tick, [True]

    def tick() -> None:
        if broken.pop() if broken else False:
            raise ConnectionError
        real()

    thread.reaper.tick = tick  # type: ignore[method-assign]
    job_id = enqueued(sessions, bell)
    with sessions.begin() as session:
        jobs.claim(session, job_id, "dead")
    thread.start()
    wait_for(lambda: state(sessions, job_id) == "queued" and not left.exists())
    thread.stop()
    assert not thread.is_alive()


def test_the_local_doorbell_writes_one_byte_and_never_blocks() -> None:
    bell = LocalDoorbell()
    bell.ring("inference", new_id())  # nobody is attached: nothing happens
    reading, writing = os.pipe()
    bell.attach("inference", writing)
    bell.ring("training", new_id())
    bell.ring("inference", new_id())
    assert os.read(reading, 10) == b"\n"
    for _ in range(70_000):  # more than a pipe holds: this would wait for ever
        bell.ring("inference", new_id())
    os.close(reading)
    bell.ring("inference", new_id())  # the worker is dead: no exception
    os.close(writing)


def test_the_doorbell_follows_the_setting() -> None:
    assert isinstance(make_doorbell(Settings(queue="local")), LocalDoorbell)
    assert isinstance(make_doorbell(Settings(queue="celery")), CeleryDoorbell)


def test_a_celery_message_names_the_job(redis_url: str) -> None:
    import redis

    CeleryDoorbell(redis_url).ring("inference", "a" * 32)
    with redis.Redis.from_url(redis_url) as client:
        (message,) = client.lrange("inference", 0, -1)
    assert b"sightline.run" in message


def test_an_unreachable_broker_fails_soon() -> None:
    began = time.monotonic()
    with pytest.raises(Exception, match="refused"):
        CeleryDoorbell("redis://127.0.0.1:1/0").ring("inference", new_id())
    assert time.monotonic() - began < 60


def test_an_overdue_playable_copy_fails(sessions: Sessions) -> None:
    with sessions.begin() as session:
        for name, hours in (("late", 7), ("new", 1)):
            facts = {"kind": "clip", "format": "AVI", "content_type": "video/x-msvideo"}
            facts |= {"width": 64, "height": 64, "bytes": 1, "sha256": name, "playable": "waiting"}
            keys = {"blob_key": name, "view_key": name, "owner": "me", "filename": name}
            then = utcnow() - timedelta(hours=hours)
            session.add(Media(**facts, **keys, created_at=then))
    with sessions.begin() as session:
        assert give_up_copies(session, module.COPY_SECONDS) == 1
    with sessions() as session:
        rows = session.execute(select(Media.filename, Media.playable))
        assert dict(rows.all()) == {
            "late": "failed",
            "new": "waiting",
        }
