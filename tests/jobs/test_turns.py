"""Owners take turns, and interactive jobs come before batch jobs, which wait, but not for ever."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import update
from sqlalchemy.orm import Session, sessionmaker

from app.db import jobs, turns
from app.db.tables import Job, new_id, utcnow
from app.jobs import service
from app.jobs.parameters import (
    INFERENCE,
    PREPARATION,
    AnalyseImageJob,
    DrawFigureJob,
    ImportDatasetJob,
    JobParameters,
    MakePlayableJob,
)

Sessions = sessionmaker[Session]
FLOOD = 300


def analysis() -> JobParameters:
    return AnalyseImageJob(analysis_id=new_id())


def figure() -> JobParameters:
    return DrawFigureJob(analysis_id=new_id(), format="png", key="figures/a.png")


def ask(sessions: Sessions, owner: str, params: JobParameters | None = None) -> str:
    with sessions.begin() as session:
        return service.enqueue(session, params or analysis(), owner=owner).id


def start(sessions: Sessions, queue: str = INFERENCE) -> tuple[str, str]:
    """Claim the next job; return its id and its owner."""
    with sessions.begin() as session:
        job_id = turns.next_queued(session, queue)
        assert job_id is not None
        job = jobs.claim(session, job_id, "w")
        assert job is not None
        return job.id, job.owner


def work(sessions: Sessions, queue: str = INFERENCE) -> str:
    """Do the next job; return its owner."""
    job_id, owner = start(sessions, queue)
    with sessions.begin() as session:
        assert jobs.finish(session, job_id, "w", "succeeded")
    return owner


def test_a_newcomer_waits_for_at_most_one_job_of_a_flood(sessions: Sessions) -> None:
    with sessions.begin() as session:
        for _ in range(FLOOD):
            service.enqueue(session, analysis(), owner="flooder")
    assert [work(sessions) for _ in range(3)] == ["flooder"] * 3
    running, _ = start(sessions)
    ask(sessions, "guest")
    with sessions.begin() as session:
        assert jobs.finish(session, running, "w", "succeeded")
    assert "guest" in (work(sessions), work(sessions))
    for _ in range(3):
        ask(sessions, "guest")
    ask(sessions, "other")
    order = [work(sessions) for _ in range(8)]
    assert order.count("guest") == 3
    assert "other" in order[:3]
    assert order[-1] == "flooder"


def test_a_flood_is_not_starved_by_those_who_ask_one_by_one(sessions: Sessions) -> None:
    for _ in range(10):
        ask(sessions, "flooder")
    order = []
    for _ in range(9):
        ask(sessions, "ann")
        order.append(work(sessions))
        ask(sessions, "bob")
        order.append(work(sessions))
    assert order.count("flooder") >= 4


def test_nobody_pays_for_the_past(sessions: Sessions) -> None:
    """Who was alone in the queue, or cancelled much, is as any other later."""
    for _ in range(20):
        ask(sessions, "early")
        work(sessions)
    cancelled = [ask(sessions, "early") for _ in range(20)]
    with sessions.begin() as session:
        for job_id in cancelled:
            assert jobs.cancel(session, job_id)
    for _ in range(3):
        ask(sessions, "late")
    ask(sessions, "early")
    assert "early" in [work(sessions) for _ in range(3)]


def test_batch_jobs_wait_but_not_for_ever(sessions: Sessions) -> None:
    drawn = ask(sessions, "ann", figure())
    again = ask(sessions, "ann", figure())
    for _ in range(4):
        ask(sessions, "bob")
    assert work(sessions) == "bob"
    long_ago = utcnow() - timedelta(seconds=2 * turns.BATCH_SECONDS)
    with sessions.begin() as session:
        session.execute(update(Job).where(Job.id.in_([drawn, again])).values(created_at=long_ago))
    assert [start(sessions)[0], work(sessions), work(sessions)] == [drawn, "bob", "bob"]
    with sessions.begin() as session:
        session.execute(update(Job).where(Job.id == drawn).values(started_at=long_ago))
    assert start(sessions)[0] == again
    assert work(sessions) == "bob"


def test_playable_copies_let_imports_go_first(sessions: Sessions) -> None:
    for _ in range(3):
        ask(sessions, "visitor", MakePlayableJob(media_id=new_id()))
    ask(sessions, "admin", ImportDatasetJob(dataset_id=new_id(), source="imagenette"))
    assert work(sessions, PREPARATION) == "admin"
    assert work(sessions, PREPARATION) == "visitor"
