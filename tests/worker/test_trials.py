"""Cost estimates and range tests, by the worker of preparations."""

from __future__ import annotations

from typing import Any

import pytest

from app.db import training as rows
from app.db.training_tables import Trial
from app.jobs.parameters import PREPARATION
from app.jobs.states import TERMINAL
from app.training import launch
from tests.support.backend import Server, wait_for, worker_processes
from tests.support.training import TINY, add_dataset, has_form


def tried(server: Server, dataset: str, kind: str, **config: Any) -> Trial:
    """A trial that has ended."""
    wait_for(lambda: has_form(server))
    asked = launch.LaunchRequest(
        dataset_id=dataset, mechanisms=["gated"], config={**TINY, **config}
    )
    with server.sessions.begin() as session:
        trial_id = launch.add_trial(session, kind, asked).id

    def found() -> Trial:
        with server.readers() as session:
            row = rows.trial(session, trial_id)
            assert row is not None
            return row

    wait_for(lambda: found().job.state in TERMINAL)
    return found()


def test_trials_of_both_kinds(local_server: Server):
    dataset = add_dataset(local_server)
    cost = tried(local_server, dataset, "cost")
    assert worker_processes(local_server, PREPARATION)  # started on demand
    curve = tried(local_server, dataset, "range")
    assert (cost.job.state, curve.job.state) == ("succeeded", "succeeded")
    assert cost.result is not None
    assert cost.result["steps"] == 8
    assert cost.result["batch_size"] == 4
    assert cost.result["seconds"] > 0
    assert curve.result is not None
    rates = [point["lr"] for point in curve.result["curve"]]
    assert rates == sorted(rates)
    assert rates[0] == pytest.approx(1e-6)
    for trial in (cost, curve):
        assert not (local_server.settings.home / "runs" / trial.id).exists()
