"""Doorbells ring once, after the commit, and not after a rollback; cancelling jobs."""

from __future__ import annotations

from sqlalchemy.orm import Session, sessionmaker

from app.db import jobs
from app.db.tables import new_id
from app.jobs import service
from app.jobs.doorbell import attach
from app.jobs.parameters import KINDS, AnalyseImageJob, TrainJob
from tests.support.databases import sqlite_settings as settings

__all__ = ["settings"]

Sessions = sessionmaker[Session]


class Listener:
    """A doorbell that records rings, and may be broken."""

    def __init__(self, sessions: Sessions, broken: bool = False) -> None:
        self.rung: list[tuple[str, str]] = []
        self._sessions = sessions
        self._broken = broken

    def ring(self, queue: str, job_id: str) -> None:
        with self._sessions() as session:  # another one: it sees only what is committed
            assert jobs.get(session, job_id) is not None, "rung before the commit"
        self.rung.append((queue, job_id))
        if self._broken:
            raise ConnectionRefusedError


def enqueue(session: Session) -> str:
    return service.enqueue(session, AnalyseImageJob(analysis_id=new_id())).id


def test_the_doorbell_rings_after_the_commit(sessions: Sessions) -> None:
    bell = Listener(sessions)
    attach(sessions, bell)
    with sessions() as session:
        first, second = enqueue(session), enqueue(session)
        assert bell.rung == []
        session.commit()
        session.commit()
    assert bell.rung == [("inference", first), ("inference", second)]


def test_a_rollback_does_not_ring(sessions: Sessions) -> None:
    bell = Listener(sessions)
    attach(sessions, bell)
    with sessions() as session:
        enqueue(session)
        session.rollback()
        session.commit()
    with sessions() as session:
        enqueue(session)
    assert bell.rung == []


def test_an_unreachable_broker_loses_no_job(sessions: Sessions) -> None:
    attach(sessions, Listener(sessions, broken=True))
    with sessions.begin() as session:
        job_id = enqueue(session)
    with sessions() as session:
        job = jobs.get(session, job_id)
        assert job is not None
        assert job.state == "queued"


def test_a_queued_or_running_job_is_cancelled_at_once(sessions: Sessions) -> None:
    with sessions.begin() as session:
        queued, running = enqueue(session), enqueue(session)
        jobs.claim(session, running, "w")
    with sessions.begin() as session:
        for job in (jobs.get(session, queued), jobs.get(session, running)):
            assert job is not None
            assert service.request_cancel(session, job)
            assert job.state == "cancelled"
            assert not service.request_cancel(session, job), "it has ended already"


def test_a_job_has_the_kind_and_the_queue_of_its_parameters(sessions: Sessions) -> None:
    with sessions.begin() as session:
        job = service.enqueue(session, TrainJob(run_id=new_id()))
        assert (job.kind, job.queue) == ("train", "training")
        assert KINDS[job.kind].model_validate(job.params).kind == "train"
