"""Killing workers during analyses, for the soak tests and their short versions."""

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
    """All results of a photo's analysis, except times."""
    return server.result(analysis_id)


def clip_result(server: Server, analysis_id: str) -> dict[str, object]:
    """All results of a clip's analysis, except times and ids."""
    with server.readers() as session:
        maps = rows.heatmaps(session, analysis_id)
        predictions = rows.predictions(session, analysis_id)
    results: dict[str, object] = {row.model: (row.top, row.clip) for row in predictions}
    for row in maps:
        key = f"{row.model}/{row.stream}/{row.stage}/{row.method}/{row.frame}"
        numbers = (row.time_s, row.min, row.max, row.sum, row.entropy, row.target, row.layer)
        results[key] = (server.blobs.get(row.blob_key), numbers)
    return results


def killed_in_the_middle(server: Server, ask: Ask, shares: Sequence[float]) -> str:
    """Start an analysis, kill the worker at each share of progress, and wait; return its id."""
    analysis_id = ask()
    for share in shares:
        wait_for(lambda s=share: server.job(analysis_id).progress >= s, every=0.005)
        kill_workers(server, INFERENCE)
    job = server.wait(analysis_id)
    assert job.state == "succeeded", job.detail
    assert job.attempts > 1, "no kill hit the job"
    return analysis_id


def ends_the_same(server: Server, result: Result, disturbed: str, undisturbed: str) -> None:
    """The interrupted analysis has the results of the other one, and left no stray files."""
    expected = result(server, undisturbed)
    assert expected
    assert result(server, disturbed) == expected
    server.blobs.sweep_temporary(older_than=0)  # files that a kill cut off; swept up every hour
    assert server.stray_blobs() == []


def random_kills(server: Server, ask: Ask, result: Result, dice: random.Random, kills: int) -> int:
    """Kill the worker at random moments until `kills` have hit an analysis.

    Every analysis must end like an uninterrupted one. Returns the number of analyses.
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
        if all(server.job(analysis).state in TERMINAL for analysis in disturbed):
            disturbed.append(ask())
        last = disturbed[-1]
        wait_for(lambda: server.holders() - killed or server.job(last).state in TERMINAL)  # noqa: B023
        time.sleep(dice.uniform(0, length))
        held = server.holders() - killed
        if held:
            kill_workers(server, INFERENCE)
            killed |= held
    jobs = [server.wait(analysis) for analysis in disturbed]
    assert {job.state for job in jobs} == {"succeeded"}
    assert sum(job.attempts for job in jobs) > len(jobs), "no kill hit a job"
    for analysis in disturbed:
        ends_the_same(server, result, analysis, undisturbed)
    return len(disturbed)
