"""Every change of a job's state is won by exactly one."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta

from sqlalchemy import update
from sqlalchemy.orm import Session, sessionmaker

from app.db import jobs, turns
from app.db.tables import Job, utcnow

Sessions = sessionmaker[Session]


def queued(sessions: Sessions) -> str:
    with sessions.begin() as session:
        return jobs.add(session, "analyse_image", "inference", {"a": 1}).id


def look(sessions: Sessions, job_id: str) -> Job:
    with sessions() as session:
        job = jobs.get(session, job_id)
        assert job is not None
        return job


def claimed(sessions: Sessions, worker: str = "w") -> str:
    job_id = queued(sessions)
    with sessions.begin() as session:
        assert jobs.claim(session, job_id, worker) is not None
    return job_id


def at_once(number: int, action: Callable[[int], None]) -> None:
    """Call `action(0..number-1)` in as many threads at the same moment."""
    gate = threading.Barrier(number)

    def wait_and_act(index: int) -> None:
        gate.wait()
        action(index)

    threads = [threading.Thread(target=wait_and_act, args=(i,)) for i in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_a_job_is_claimed_once(sessions: Sessions) -> None:
    waiting = [queued(sessions) for _ in range(10)]
    won: list[tuple[str, int]] = []

    def claim_all(index: int) -> None:
        for job_id in waiting:
            with sessions.begin() as session:
                if jobs.claim(session, job_id, f"worker-{index}") is not None:
                    won.append((job_id, index))

    at_once(6, claim_all)
    assert sorted(job_id for job_id, _ in won) == sorted(waiting)
    for job_id, index in won:
        job = look(sessions, job_id)
        assert (job.state, job.claimed_by, job.attempts) == ("running", f"worker-{index}", 1)
        assert job.started_at is not None


def test_the_oldest_comes_first_in_its_queue(sessions: Sessions) -> None:
    first, second = queued(sessions), queued(sessions)
    with sessions.begin() as session:
        jobs.add(session, "train", "training", {})
        assert turns.next_queued(session, "inference") == first
        jobs.claim(session, first, "w")
        assert turns.next_queued(session, "inference") == second


def test_only_the_holder_may_write(sessions: Sessions) -> None:
    job_id = claimed(sessions, "holder")
    with sessions.begin() as session:
        assert not jobs.advance(session, job_id, "other", 0.5, "half")
        assert not jobs.finish(session, job_id, "other", "succeeded")
        assert not jobs.beat(session, job_id, "other")
        assert not jobs.give_back(session, job_id, "other")
        assert not jobs.is_held(session, job_id, "other")
        assert jobs.advance(session, job_id, "holder", 0.5, "half")
        assert jobs.is_held(session, job_id, "holder")
        assert jobs.finish(session, job_id, "holder", "succeeded")
        assert not jobs.advance(session, job_id, "holder", 0.7, "late")
    job = look(sessions, job_id)
    assert (job.state, job.progress, job.message) == ("succeeded", 1.0, "half")
    assert job.finished_at is not None


def test_every_visible_change_raises_the_revision(sessions: Sessions) -> None:
    job_id = queued(sessions)
    seen = [look(sessions, job_id).revision]
    steps: list[Callable[[Session], object]] = [
        lambda s: jobs.claim(s, job_id, "w"),
        lambda s: jobs.advance(s, job_id, "w", 0.5, None),
        lambda s: jobs.beat(s, job_id, "w"),
        lambda s: jobs.requeue_of(s, "nobody", 5),
        lambda s: jobs.requeue_of(s, "w", 5),
        lambda s: jobs.cancel(s, job_id),
        lambda s: jobs.cancel(s, job_id),
    ]
    for step in steps:
        with sessions.begin() as session:
            step(session)
        seen.append(look(sessions, job_id).revision)
    assert seen == [0, 1, 2, 2, 2, 3, 4, 4]


def test_a_silent_worker_loses_its_job(sessions: Sessions) -> None:
    silent, alive = claimed(sessions, "silent"), claimed(sessions, "alive")
    with sessions.begin() as session:
        session.execute(update(Job).values(heartbeat_at=utcnow() - timedelta(hours=2)))
        jobs.beat(session, alive, "alive")
        assert [job.id for job in jobs.requeue_stale(session, 3600, 5)] == [silent]
    job = look(sessions, silent)
    assert (job.state, job.claimed_by, job.attempts) == ("queued", None, 1)
    assert look(sessions, alive).state == "running"


def test_a_job_that_kills_its_workers_fails_at_last(sessions: Sessions) -> None:
    job_id = queued(sessions)
    for attempt in range(3):
        with sessions.begin() as session:
            assert jobs.claim(session, job_id, f"w{attempt}") is not None
            jobs.requeue_of(session, f"w{attempt}", 3)
    job = look(sessions, job_id)
    assert (job.state, job.error, job.attempts) == ("failed", "worker_lost", 3)
    assert job.detail is not None
    assert "3 times" in job.detail


def test_of_a_cancelled_job_nothing_more_is_written(sessions: Sessions) -> None:
    job_id = claimed(sessions)
    with sessions.begin() as session:
        assert jobs.cancel(session, job_id)
        assert not jobs.is_held(session, job_id, "w")
        assert not jobs.advance(session, job_id, "w", 0.5, "half")
        assert not jobs.finish(session, job_id, "w", "succeeded")
        assert jobs.requeue_of(session, "w", 5) == []
        assert not jobs.cancel(session, job_id)
    job = look(sessions, job_id)
    assert (job.state, job.progress) == ("cancelled", 0.0)
    assert job.finished_at is not None


def test_giving_back_costs_no_attempt(sessions: Sessions) -> None:
    job_id = claimed(sessions)
    with sessions.begin() as session:
        assert jobs.give_back(session, job_id, "w")
    job = look(sessions, job_id)
    assert (job.state, job.attempts) == ("queued", 0)


def test_claim_and_cancel_at_once_agree(sessions: Sessions) -> None:
    for _ in range(10):
        job_id = queued(sessions)
        won: list[str] = []

        def compete(index: int, job_id: str = job_id, won: list[str] = won) -> None:
            with sessions.begin() as session:
                if index == 0 and jobs.claim(session, job_id, "w") is not None:
                    won.append("running")
                if index == 1 and jobs.cancel(session, job_id):
                    won.append("cancelled")

        at_once(2, compete)
        assert won in (["running", "cancelled"], ["cancelled"])
        assert look(sessions, job_id).state == "cancelled"
