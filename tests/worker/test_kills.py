"""kill -9 at random moments: every analysis still ends as if nothing had happened."""

from __future__ import annotations

import random
import time

import pytest

from tests.support.backend import Server, kill_workers, photo, serving, wait_for

KILLS = 20
ANALYSES = 4
METHODS = ("attention", "gradcam", "hirescam", "layercam")


@pytest.mark.timeout(1800)  # each kill costs a worker's start, which imports torch
def test_twenty_kills_change_nothing(server: Server) -> None:
    dice = random.Random(20)
    media = [server.add_photo(photo(seed)) for seed in range(ANALYSES)]
    with serving(server):
        undisturbed = [server.ask(one, methods=METHODS, size=512) for one in media]
        started = time.monotonic()
        assert {server.wait(one).state for one in undisturbed} == {"succeeded"}
        length = time.monotonic() - started

        disturbed: list[str] = []
        kills = 0
        killed: set[str] = set()
        while kills < KILLS:
            if not any(server.job(one).state in {"queued", "running"} for one in disturbed):
                disturbed += [server.ask(one, methods=METHODS, size=512) for one in media]
            wait_for(lambda: server.holders() - killed)  # noqa: B023 (called at once)
            time.sleep(dice.uniform(0, length / ANALYSES))
            killed |= server.holders()
            kills += kill_workers(server)
        jobs = [server.wait(one) for one in disturbed]

    assert {job.state for job in jobs} == {"succeeded"}
    assert sum(job.attempts for job in jobs) > len(jobs) + KILLS / 2, "hardly a kill hit a job"
    expected = [server.result(one) for one in undisturbed]
    assert all(expected)
    for index, one in enumerate(disturbed):
        assert server.result(one) == expected[index % ANALYSES]
    server.blobs.sweep_temporary(older_than=0)  # files that a kill cut off; swept up every hour
    assert server.stray_blobs() == []
