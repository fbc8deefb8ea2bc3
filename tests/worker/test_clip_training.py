"""A study on clips: launched as any other, watched, and published into the table of clips."""

from __future__ import annotations

from app.db import analyses, models
from app.db import training as rows
from app.training import control
from app.training.models import importing
from tests.support import clip_models as clips
from tests.support.backend import Server
from tests.support.clip_archives import clip_bytes
from tests.support.training import (
    MOVES,
    TINY_CLIPS,
    act,
    add_clips,
    ends_as,
    import_model,
    kill_while_training,
    launched,
    train_undisturbed,
    wait_run,
)
from tests.worker.test_trials import tried


def test_a_study_on_clips_ends_in_the_table_of_clips(celery_server: Server) -> None:
    """With Celery; with a local worker the tests below train on clips."""
    server = celery_server
    (run_id,) = launched(server, add_clips(server), mechanisms=["gated"], config=TINY_CLIPS)
    run = wait_run(server, run_id)
    assert run.config["architecture"] == "two_stream"
    assert set(run.about["metrics"]["streams"]) == {"rgb", "flow"}
    with server.readers() as session:
        last = rows.epoch(session, run_id, None)
    assert last is not None
    assert set(last.probes) == {"attention", "gradcam", "flow-attention", "flow-gradcam"}
    made = {name.removesuffix("-true") for name in run.summary["worst_maps"]}
    assert made <= set(last.probes)
    with server.sessions.begin() as session:
        card = control.publish(session, control.find_run(session, run_id)).card
    assert (card["media"], card["streams"]) == ("clip", ["rgb", "flow"])
    clip = clips.add_clip(server, clip_bytes(90, (3, 0)))
    analysis = clips.ask(server, clip, [card["id"]])
    assert server.wait(analysis).state == "succeeded"
    with server.readers() as session:
        [said] = analyses.predictions(session, analysis)
    assert said.target_name in MOVES
    assert set(said.clip["shares"]) == {"rgb", "flow"}
    act(server, "unpublish", run_id)
    # its files can be brought in again, and give the same answer
    weights = server.blobs.get(run.checkpoint_key)
    row = import_model(server, weights, server.blobs.get(f"runs/{run_id}/model.json"))
    assert (row.card["media"], row.card["head"]) == ("clip", "trained")
    assert row.card["metrics"]["interval"] == run.about["metrics"]["interval"]
    analysis = clips.ask(server, clip, [row.id])
    assert server.wait(analysis).state == "succeeded"
    with server.readers() as session:
        [again] = analyses.predictions(session, analysis)
    assert (again.top, again.target_logit) == (said.top, said.target_logit)
    with server.sessions.begin() as session:
        importing.remove(session, server.blobs, models.get(session, row.id, models.SERVER))


def test_a_kill_changes_nothing(local_server: Server) -> None:
    """Killed right after a step; `tests/soak/test_kills_training.py` has random moments."""
    asked = {"mechanisms": ["gated"], "config": {**TINY_CLIPS, "epochs": 3}}
    server, dataset = local_server, add_clips(local_server)
    quiet = train_undisturbed(server, dataset, **asked)
    (run_id,) = launched(server, dataset, **asked)
    assert kill_while_training(server, run_id, times=1) == 1
    ends_as(server, run_id, quiet)


def test_what_a_run_on_clips_will_cost(local_server: Server) -> None:
    dataset = add_clips(local_server)
    cost = tried(local_server, dataset, "cost", **TINY_CLIPS)
    small = {**TINY_CLIPS, "size": 32, "snippets": 1, "segments": 1}  # it takes 60 steps
    curve = tried(local_server, dataset, "range", **small)
    assert cost.job.state == "succeeded", cost.job.detail
    assert (cost.result["steps"], cost.result["batch_size"]) == (4, 4)
    assert cost.result["disk_bytes"] > 0
    assert curve.job.state == "succeeded", curve.job.detail
    assert len(curve.result["curve"]) > 10
