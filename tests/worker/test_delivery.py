"""Messages may come twice, late or never; servers may come and go; nothing is lost."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from app.db import analyses as rows
from app.db import jobs as job_rows
from app.jobs.parameters import INFERENCE
from app.media.deletion import delete_analysis
from app.training import control
from tests.support.backend import Server, photo, serving, wait_for, worker_processes
from tests.support.processes import still_running
from tests.support.training import (
    act,
    add_dataset,
    launched,
    run_of,
    said,
    steps_done,
    wait_run,
)

LONG = {"epochs": 12, "size": 64}


def ring(server: Server, analysis_id: str) -> None:
    server.doorbell.ring(INFERENCE, server.job(analysis_id).id)


def test_a_message_delivered_twice_does_nothing(server: Server) -> None:
    media_id = server.add_photo(photo())
    analysis_id = server.ask(media_id, models=["plain"])
    ring(server, analysis_id)
    ring(server, analysis_id)
    finished = server.wait(analysis_id)
    ring(server, analysis_id)
    server.wait(server.ask(media_id, models=["plain"]))  # by then the late message has been read
    job = server.job(analysis_id)
    assert (job.state, job.attempts) == ("succeeded", 1)
    assert (job.revision, job.finished_at) == (finished.revision, finished.finished_at)


def test_a_message_for_a_job_that_is_gone_does_nothing(server: Server) -> None:
    server.doorbell.ring(INFERENCE, "0" * 32)
    analysis_id = server.ask(server.add_photo(photo()), models=["plain"])
    assert server.wait(analysis_id).state == "succeeded"


def test_a_lost_message_is_rung_again(server: Server) -> None:
    """The reaper rings for what waits; a local worker also looks by itself."""
    media_id = server.add_photo(photo())
    analysis_ids = [server.ask(media_id, models=["plain"], size=s, ring=False) for s in (96, 128)]
    assert {server.wait(one).state for one in analysis_ids} == {"succeeded"}


@dataclass
class Asked:
    """What is in hand when everything stops."""

    media_id: str
    finished: str  # an analysis
    published: str  # the run of the model `mine`
    run: str  # training
    waiting: list[str]  # analyses


def test_restarting_everything_loses_nothing(server: Server) -> None:
    """The queue, a training run, what was published, and what a killed server left behind."""
    asked = much(server)
    expected = server.result(asked.finished)
    with stopped(server):
        states = [server.job(one).state for one in asked.waiting]
        assert "running" not in states, "a worker that is told to stop gives its job back"
        assert sum(server.job(one).attempts for one in asked.waiting) <= len(asked.waiting)
        run = run_of(server, asked.run).job
        assert (run.state, run.attempts) in {("queued", 0), ("succeeded", 1)}
        cancelled = server.ask(asked.media_id, models=["plain"])
        assert server.cancel(cancelled)
        assert server.job(cancelled).state == "cancelled"
        assert not server.cancel(cancelled)
        orphan = server.ask(asked.media_id, models=["plain"])
        claim(server, orphan, "worker of a server that was killed")
    waiting = [*asked.waiting, orphan]
    assert {server.wait(one).state for one in waiting} == {"succeeded"}
    assert server.job(orphan).attempts == 2
    job = server.job(cancelled)
    assert (job.state, job.attempts, server.result(cancelled)) == ("cancelled", 0, {})
    assert {str(server.result(one)) for one in asked.waiting} == {str(expected)}
    assert server.result(asked.finished) == expected
    wait_run(server, asked.run)
    assert len(said(server, asked.run)["points"]) == run_of(server, asked.run).steps
    assert "mine" in server.models()
    act(server, "unpublish", asked.published)


def much(server: Server) -> Asked:
    """Have a run and an analysis under way where there is a worker for each, and some waiting."""
    dataset, media_id = add_dataset(server), server.add_photo(photo())
    (done,) = launched(server, dataset, mechanisms=["plain"], config={"epochs": 1})
    wait_run(server, done)
    with server.sessions.begin() as session:
        control.publish(session, control.find_run(session, done), "mine")
    models = ["plain", "mine", "gated"]
    finished = server.ask(media_id, models)
    assert server.wait(finished).state == "succeeded"
    (run,) = launched(server, dataset, mechanisms=["plain"], config=LONG)
    wait_for(lambda: steps_done(server, run) > 0)
    waiting = [server.ask(media_id, models) for _ in range(3)]
    if server.settings.queue == "local":  # the one Celery worker trains
        wait_for(lambda: server.job(waiting[0]).state != "queued", every=0.002)
    return Asked(media_id, finished, done, run, waiting)


@contextmanager
def stopped(server: Server) -> Iterator[None]:
    """While entered, nothing of the server runs; its workers end with it."""
    before = worker_processes(server)
    assert before
    server.stop()
    assert not still_running(before)
    try:
        yield
    finally:
        server.start()


def claim(server: Server, analysis_id: str, worker: str) -> None:
    with server.sessions.begin() as session:
        assert job_rows.claim(session, server.job(analysis_id).id, worker) is not None


def test_deleting_a_running_analysis_stops_it_and_leaves_nothing(celery_server: Server) -> None:
    """One mode will do: the worker asks the database whether its job is still there."""
    server, media_id = celery_server, celery_server.add_photo(photo())
    analysis_id = server.ask(media_id, methods=("attention", "gradcam", "gradcampp"), size=224)
    wait_for(lambda: server.job(analysis_id).progress > 0, every=0.005)
    assert server.job(analysis_id).state == "running"
    with server.sessions.begin() as session:
        analysis = rows.get(session, analysis_id)
        assert analysis is not None
        delete_analysis(session, server.blobs, analysis)
    assert server.wait(server.ask(media_id, models=["plain"])).state == "succeeded"
    assert server.stray_blobs() == []
    assert not list(server.blobs.keys(f"maps/{analysis_id}"))


def test_an_idle_worker_uses_next_to_no_processor_time(local_server: Server) -> None:
    """Once its model is loaded: less than 5 % of one core over two seconds."""
    analysis_id = local_server.ask(local_server.add_photo(photo()), models=["plain"])
    local_server.wait(analysis_id)
    (worker,) = worker_processes(local_server, INFERENCE)

    def used() -> tuple[float, float, float]:
        taken = worker.cpu_times()
        return time.monotonic(), taken.user + taken.system, time.process_time()

    def idle() -> bool:
        before = used()
        wait_for(lambda: used()[0] > before[0] + 2, every=0.25)
        seconds, of_worker, of_server = (b - a for a, b in zip(before, used(), strict=True))
        return max(of_worker, of_server) < 0.05 * seconds

    wait_for(idle, every=0)


def test_two_workers_share_the_work_and_never_a_job(local_server: Server) -> None:
    """Two servers on one database: each job is run once, and no thread outlives its server."""
    media_id = local_server.add_photo(photo())
    local_server.wait(local_server.ask(media_id, models=["plain"]))
    threads = threading.active_count()
    ours = {process.pid for process in worker_processes(local_server)}
    other = Server(local_server.settings)
    with serving(other):
        wait_for(lambda: {process.pid for process in worker_processes(other)} - ours)
        both: set[str] = set()
        jobs = []
        while len(both) < 2:  # until each has had one
            asked = [other.ask(media_id, models=["plain"]) for _ in range(6)]
            jobs += [local_server.wait(one) for one in asked]
            both = {job.claimed_by or "" for job in jobs}
    assert {(job.state, job.attempts) for job in jobs} == {("succeeded", 1)}
    other.close()
    wait_for(lambda: threading.active_count() <= threads)


def test_without_its_photo_an_analysis_says_so(local_server: Server) -> None:
    media_id = local_server.add_photo(photo())
    local_server.blobs.delete(f"media/{media_id}/original")
    job = local_server.wait(local_server.ask(media_id, models=["plain"]))
    assert (job.state, job.error) == ("failed", "not_found")
