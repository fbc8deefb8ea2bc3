"""Messages may come twice, late or never; servers may come and go; nothing is lost."""

from __future__ import annotations

import threading
import time

from sqlalchemy import delete

from app.db import analyses as rows
from app.db.models import Job
from app.intake.deletion import delete_analysis
from app.jobs.dispatch import LocalDoorbell
from app.jobs.parameters import INFERENCE
from tests.support.backend import Server, kill_workers, photo, serving, wait_for, worker_processes


def ring(server: Server, analysis_id: str) -> None:
    server.doorbell.ring(INFERENCE, server.job(analysis_id).id)


def lose_messages(server: Server) -> None:
    """Forget the messages of queued jobs; what was rung locally is forgotten with the pipe."""
    if not isinstance(server.doorbell, LocalDoorbell):
        import redis

        with redis.Redis.from_url(server.settings.broker_url) as client:
            client.flushdb()


def test_a_message_delivered_twice_does_nothing(server: Server) -> None:
    media_id = server.add_photo(photo())
    with serving(server):
        analysis_id = server.ask(media_id)
        ring(server, analysis_id)
        ring(server, analysis_id)
        finished = server.wait(analysis_id)
        ring(server, analysis_id)
        server.wait(server.ask(media_id, size=96))  # by then the late message has been read
    job = server.job(analysis_id)
    assert (job.state, job.attempts) == ("succeeded", 1)
    assert (job.revision, job.finished_at) == (finished.revision, finished.finished_at)


def test_a_message_for_a_job_that_is_gone_does_nothing(server: Server) -> None:
    with serving(server):
        server.models()
        server.doorbell.ring(INFERENCE, "0" * 32)
        analysis_id = server.ask(server.add_photo(photo()))
        assert server.wait(analysis_id).state == "succeeded"


def test_a_lost_message_is_rung_again(server: Server) -> None:
    media_id = server.add_photo(photo())
    analysis_ids = [server.ask(media_id, models=["plain"], size=s) for s in (96, 224)]
    lose_messages(server)
    with serving(server):
        assert {server.wait(one).state for one in analysis_ids} == {"succeeded"}


def test_restarting_everything_loses_nothing(server: Server) -> None:
    media = [server.add_photo(photo(seed)) for seed in range(3)]
    with serving(server):
        finished = server.ask(media[0])
        server.wait(finished)
        expected = server.result(finished)
        asked = [server.ask(one) for one in media]
        wait_for(lambda: server.job(asked[0]).state == "running")
    states = [server.job(one).state for one in asked]
    assert "running" not in states, "a worker that is told to stop gives its job back"
    assert sum(server.job(one).attempts for one in asked) <= 3
    with serving(server):
        assert {server.wait(one).state for one in asked} == {"succeeded"}
    assert server.result(finished) == expected
    assert server.result(asked[0]) == expected


def test_killing_everything_loses_nothing(server: Server) -> None:
    """Nobody is left to notice the death of the worker: the next server finds out."""
    analysis_id = server.ask(server.add_photo(photo()), models=["plain"])
    with server.sessions.begin() as session:
        job = session.get(Job, server.job(analysis_id).id)
        assert job is not None
        from app.db import jobs

        jobs.claim(session, job.id, "worker of a server that was killed")
    with serving(server):
        assert server.wait(analysis_id).state == "succeeded"
    assert server.job(analysis_id).attempts == 2


def test_deleting_a_running_analysis_stops_it_and_leaves_nothing(server: Server) -> None:
    media_id = server.add_photo(photo())
    with serving(server):
        server.wait(server.ask(media_id))
        analysis_id = server.ask(media_id, size=512)
        wait_for(lambda: server.job(analysis_id).progress > 0, every=0.005)
        with server.sessions.begin() as session:
            analysis = rows.get(session, analysis_id)
            assert analysis is not None
            delete_analysis(session, server.blobs, analysis)
        assert server.wait(server.ask(media_id, size=96)).state == "succeeded"
    assert server.stray_blobs() == []
    assert not list(server.blobs.keys(f"maps/{analysis_id}"))


def test_a_worker_ends_with_its_server(local_server: Server) -> None:
    with serving(local_server):
        local_server.models()
        before = worker_processes(local_server)
        assert len(before) == 1
    assert not before[0].is_running()


def test_a_worker_that_dies_at_once_is_replaced(local_server: Server) -> None:
    with serving(local_server):
        local_server.models()
        for _ in range(2):
            before = {process.pid for process in worker_processes(local_server)}
            kill_workers(local_server)
            wait_for(lambda b=before: {p.pid for p in worker_processes(local_server)} - b)
        analysis_id = local_server.ask(local_server.add_photo(photo()))
        assert local_server.wait(analysis_id).state == "succeeded"


def test_an_idle_worker_uses_next_to_no_processor_time(local_server: Server) -> None:
    """Once it has loaded every model, which it does between jobs."""

    def used_in(seconds: float) -> tuple[float, float]:
        before, server_before = worker.cpu_times(), time.process_time()
        time.sleep(seconds)
        after = worker.cpu_times()
        of_worker = after.user + after.system - before.user - before.system
        return of_worker, time.process_time() - server_before

    with serving(local_server):
        local_server.wait(local_server.ask(local_server.add_photo(photo())))
        (worker,) = worker_processes(local_server)
        wait_for(lambda: used_in(1)[0] < 0.05)
        of_worker, of_server = used_in(5)
    assert of_worker < 0.25
    assert of_server < 0.25


def test_two_workers_share_the_work_and_never_a_job(local_server: Server) -> None:
    """Two servers on one database: each job is run once, and no thread outlives its server."""
    threads = threading.active_count()
    other = Server(local_server.settings)
    media_id = local_server.add_photo(photo())
    asked = [local_server.ask(media_id, models=["plain"], size=96) for _ in range(12)]
    with serving(local_server), serving(other):
        for one in asked:
            local_server.wait(one)
    jobs = [local_server.job(one) for one in asked]
    assert {(job.state, job.attempts) for job in jobs} == {("succeeded", 1)}
    other.close()
    wait_for(lambda: threading.active_count() <= threads)


def test_without_its_photo_an_analysis_says_so(local_server: Server) -> None:
    analysis_id = local_server.ask(local_server.add_photo(photo()), models=["plain"])
    with local_server.readers() as session:
        analysis = rows.get(session, analysis_id)
        assert analysis is not None
        key = analysis.media.blob_key
    local_server.blobs.delete(key)
    with serving(local_server):
        job = local_server.wait(analysis_id)
    assert (job.state, job.error) == ("failed", "not_found")
    with local_server.sessions.begin() as session:
        session.execute(delete(Job).where(Job.kind == "draw_figure"))
