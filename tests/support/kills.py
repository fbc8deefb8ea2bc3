"""kill -9 in the middle: shared by the soak tests and their quick brothers."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence

from app.db import analyses as rows
from app.jobs.parameters import INFERENCE
from app.jobs.states import TERMINAL
from tests.support.backend import Server, kill_workers, wait_for

Ask = Callable[[], str]
Result = Callable[[Server, str], dict[str, object]]


def photo_result(server: Server, analysis_id: str) -> dict[str, object]:
    """All that the analysis of a photo found, but for times."""
    return server.result(analysis_id)


def clip_result(server: Server, analysis_id: str) -> dict[str, object]:
    """All that the analysis of a clip found, but for times and names."""
    with server.readers() as session:
        maps = rows.heatmaps(session, analysis_id)
        said = rows.predictions(session, analysis_id)
    found: dict[str, object] = {row.model: (row.top, row.clip) for row in said}
    for row in maps:
        place = f"{row.model}/{row.stream}/{row.stage}/{row.method}/{row.frame}"
        numbers = (row.time_s, row.min, row.max, row.sum, row.entropy, row.target, row.layer)
        found[place] = (server.blobs.get(row.blob_key), numbers)
    return found


def killed_in_the_middle(server: Server, ask: Ask, shares: Sequence[float]) -> str:
    """Ask, and kill the worker each time that so much is done; the analysis, which has ended."""
    analysis_id = ask()
    for share in shares:
        wait_for(lambda s=share: server.job(analysis_id).progress >= s, every=0.005)
        kill_workers(server, INFERENCE)
    job = server.wait(analysis_id)
    assert job.state == "succeeded", job.detail
    assert job.attempts > 1, "no kill hit the job"
    return analysis_id


def ends_the_same(server: Server, result: Result, disturbed: str, undisturbed: str) -> None:
    """The disturbed analysis found what the other one did, and left nothing behind."""
    expected = result(server, undisturbed)
    assert expected
    assert result(server, disturbed) == expected
    server.blobs.sweep_temporary(older_than=0)  # files that a kill cut off; swept up every hour
    assert server.stray_blobs() == []


def random_kills(server: Server, ask: Ask, result: Result, dice: random.Random, kills: int) -> int:
    """Kill the worker at random moments until so many have hit an analysis; how many it took.

    Every analysis ends as one that nobody disturbed.
    """
    undisturbed = ask()
    job = server.wait(undisturbed)
    assert job.state == "succeeded"
    assert job.started_at is not None
    assert job.finished_at is not None
    length = (job.finished_at - job.started_at).total_seconds()  # without the worker's start
    disturbed: list[str] = []
    killed: set[str] = set()  # by name
    while len(killed) < kills:
        if all(server.job(one).state in TERMINAL for one in disturbed):
            disturbed.append(ask())
        last = disturbed[-1]
        wait_for(lambda: server.holders() - killed or server.job(last).state in TERMINAL)  # noqa: B023
        time.sleep(dice.uniform(0, length))
        held = server.holders() - killed
        if held:
            kill_workers(server, INFERENCE)
            killed |= held
    jobs = [server.wait(one) for one in disturbed]
    assert {job.state for job in jobs} == {"succeeded"}
    assert sum(job.attempts for job in jobs) > len(jobs), "no kill hit a job"
    for one in disturbed:
        ends_the_same(server, result, one, undisturbed)
    return len(disturbed)
