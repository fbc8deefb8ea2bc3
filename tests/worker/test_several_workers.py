"""`SIGHTLINE_WORKERS`: several local workers share the queue, and each is replaced alone."""

from __future__ import annotations

from pathlib import Path

from app.jobs.parameters import INFERENCE
from tests.support.backend import (
    QUICK,
    Server,
    home_settings,
    photo,
    serving,
    wait_for,
    worker_processes,
)


def test_two_local_workers_share_the_queue(tmp_path: Path) -> None:
    server = Server(home_settings(tmp_path, workers=2, **QUICK))
    with serving(server):
        wait_for(lambda: len(worker_processes(server, INFERENCE)) == 2)
        media_id = server.add_photo(photo())

        def names() -> set[str]:
            """Who did the next six analyses."""
            asked = [server.ask(media_id, models=["plain"]) for _ in range(6)]
            jobs = [server.wait(one) for one in asked]
            assert {(job.state, job.attempts) for job in jobs} == {("succeeded", 1)}
            return {job.claimed_by or "" for job in jobs}

        both: set[str] = set()
        while len(both) < 2:  # until each has had one
            both |= names()
        doomed = worker_processes(server, INFERENCE)[0]
        doomed.kill()
        wait_for(lambda: len(worker_processes(server, INFERENCE)) == 2)
        assert names()
    assert worker_processes(server) == []
    server.close()
