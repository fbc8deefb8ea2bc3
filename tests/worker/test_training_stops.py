"""A run that is killed, paused, cancelled, moved or broken, with real workers on real rows.

A restart of everything while a run trains is in `test_delivery.py`.
"""

from __future__ import annotations

from app.db import jobs as job_rows
from app.training import control
from ml.train import event_log
from tests.support.backend import Server, photo, wait_for
from tests.support.training import (
    act,
    add_dataset,
    ends_as,
    kill_while_training,
    launched,
    run_of,
    state_of,
    steps_done,
    train_undisturbed,
    wait_run,
)

LONG = {"epochs": 8, "batch_size": 4, "size": 64}


def test_a_kill_changes_nothing(local_server: Server):
    """Killed twice, right after a step; `tests/soak/test_kills_training.py` has random moments."""
    asked = {"mechanisms": ["gated"], "config": LONG}
    server, dataset = local_server, add_dataset(local_server)
    quiet = train_undisturbed(server, dataset, **asked)
    (run_id,) = launched(server, dataset, **asked)
    assert kill_while_training(server, run_id, times=2) == 2
    ends_as(server, run_id, quiet)


def test_pause_cancel_and_resume_keep_the_run(celery_server: Server):
    """One mode will do: the row says so to either worker, and a resumed run rings as a new one."""
    server, dataset = celery_server, add_dataset(celery_server)
    asked = {"mechanisms": ["plain"], "config": LONG}
    media_id = server.add_photo(photo())
    quiet = train_undisturbed(server, dataset, **asked)
    (run_id,) = launched(server, dataset, **asked)
    for what, state in (("pause", "paused"), ("cancel", "cancelled")):
        wait_for(lambda: run_of(server, run_id).job.state == "running")
        seen = steps_done(server, run_id)
        wait_for(lambda at=seen: steps_done(server, run_id) > at)
        act(server, what, run_id)
        told = steps_done(server, run_id)
        assert state_of(server, run_id) == state
        server.wait(server.ask(media_id, models=["plain"]))  # the worker has let the run go
        assert steps_done(server, run_id) == told  # nothing more is stored
        act(server, "resume", run_id)
    ends_as(server, run_id, quiet)


def test_a_cancelled_run_ends_within_two_steps_and_the_next_one_begins(local_server: Server):
    dataset = add_dataset(local_server)
    slow = {"epochs": 99, "batch_size": 8, "size": 128, "eval_size": 32}
    first, second = launched(local_server, dataset, mechanisms=["plain"], seeds=[0, 1], config=slow)
    wait_for(lambda: steps_done(local_server, first) > 0)
    log = local_server.settings.home / "runs" / first / event_log.NAME
    act(local_server, "cancel", first)
    before = log.read_bytes().count(b'"Step"')
    wait_for(lambda: run_of(local_server, second).job.state == "running")
    assert run_of(local_server, first).job.state == "cancelled"
    assert log.read_bytes().count(b'"Step"') - before <= 2
    assert log.with_name("state.safetensors").is_file()
    act(local_server, "cancel", second)


def test_waiting_runs_train_in_the_order_in_which_they_are_put(celery_server: Server):
    """With Celery, where each message names another run; a local worker only looks at the table."""
    server, dataset = celery_server, add_dataset(celery_server, train=2, val=1)
    (blocker,) = launched(server, dataset, mechanisms=["plain"], config={"epochs": 999})
    wait_for(lambda: steps_done(server, blocker) > 0)
    runs = launched(server, dataset, mechanisms=["plain"], seeds=[1, 2, 3], config={"epochs": 1})
    with server.sessions.begin() as session:
        rows = [control.find_run(session, run_id) for run_id in runs]
        control.move(session, rows[2], rows[0])
    with server.sessions.begin() as session:
        line = [job.params["run_id"] for job in job_rows.in_line(session, "training")]
    assert line == [runs[2], runs[0], runs[1]]
    act(server, "cancel", blocker)
    for run_id in runs:
        wait_run(server, run_id)
    began = {run_id: run_of(server, run_id).job.started_at for run_id in runs}
    assert sorted(runs, key=began.__getitem__) == line


def test_a_failing_run_says_why_and_can_be_resumed(local_server: Server):
    server = local_server
    dataset = add_dataset(server)
    path = server.blobs.path(f"datasets/{dataset}/000003")
    good = path.read_bytes()
    path.write_bytes(b"no picture")
    (run_id,) = launched(server, dataset, mechanisms=["plain"])
    failed = wait_run(server, run_id, "failed").job
    assert failed.error == "unprocessable"
    assert failed.detail
    assert "Traceback" in (failed.traceback or "")
    path.write_bytes(good)
    act(server, "resume", run_id)
    again = wait_run(server, run_id).job
    assert (again.error, again.detail, again.traceback) == (None, None, None)
