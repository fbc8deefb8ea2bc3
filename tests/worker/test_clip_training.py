"""A study on clips: launched as any other, watched, and published into the table of clips."""

from __future__ import annotations

import hashlib
import json

from app.datasets.index import key_of
from app.db import analyses
from app.db import training as rows
from app.db.models import Job, new_id, utcnow
from app.db.training_models import Dataset
from app.training import control
from tests.support import clip_models as clips
from tests.support.backend import Server, serving
from tests.support.clip_archives import clip_bytes, clip_classes
from tests.support.training import kill_while_training, launched, said, wait_run
from tests.worker.test_trials import tried

CLASSES = ("left", "right")
TINY = {
    "epochs": 2,
    "batch_size": 4,
    "size": 64,
    "eval_size": 64,
    "start": "scratch",
    "lr": 0.01,
    "snippets": 2,
    "segments": 2,
    "test_segments": 2,
    "flow_length": 5,
    "rgb_start": "imagenet",
    "flow_start": "imagenet",
}


def add_clips(server: Server, train: int = 4, val: int = 2) -> str:
    """A dataset of clips as an import leaves it."""
    dataset_id, images = new_id(), []
    for split, count, seed in (("train", train, 0), ("val", val, 50)):
        for name, data in sorted(clip_classes(count, seed=seed, frames=14).items()):
            record = {"n": len(images), "split": split, "label": CLASSES.index(name.split("/")[0])}
            record |= {"name": name, "width": 64, "height": 64, "seconds": 1.4}
            record |= {"sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)}
            server.blobs.put(f"datasets/{dataset_id}/{len(images):06d}", data)
            images.append(record)
    index = {"classes": list(CLASSES), "images": images}
    server.blobs.put(key_of(dataset_id), json.dumps(index).encode())
    with server.sessions.begin() as session:
        job = Job(id=new_id(), kind="import_dataset", queue="preparation", params={})
        job.state, job.finished_at = "succeeded", utcnow()
        session.add(job)
        session.flush()
        session.add(
            Dataset(
                id=dataset_id,
                name="moves",
                source="archive",
                kind="clips",
                job_id=job.id,
                created_by="admin",
                classes=[{"name": title, "train": train, "val": val} for title in CLASSES],
                train_images=2 * train,
                val_images=2 * val,
                fingerprint=hashlib.sha256(dataset_id.encode()).hexdigest(),
            )
        )
    return dataset_id


def test_a_study_on_clips_ends_in_the_table_of_clips(server: Server) -> None:
    dataset = add_clips(server)
    with serving(server):
        (run_id,) = launched(server, dataset, mechanisms=["gated"], config=TINY)
        run = wait_run(server, run_id)
        assert run.config["architecture"] == "two_stream"
        assert set(run.about["metrics"]["streams"]) == {"rgb", "flow"}
        with server.readers() as session:
            last = rows.epoch(session, run_id, None)
        assert last is not None
        assert set(last.probes) == {"attention", "gradcam", "flow-attention", "flow-gradcam"}
        assert set(run.summary["worst_maps"]) <= set(last.probes)
        with server.sessions.begin() as session:
            card = control.publish(session, control.found_run(session, run_id)).card
        assert (card["media"], card["streams"]) == ("clip", ["rgb", "flow"])
        clip = clips.add_clip(server, clip_bytes(90, (3, 0)))
        analysis = clips.ask(server, clip, [card["id"]])
        assert server.wait(analysis).state == "succeeded"
        with server.readers() as session:
            [said] = analyses.predictions(session, analysis)
    assert said.target_name in CLASSES
    assert set(said.clip["shares"]) == {"rgb", "flow"}


def test_killed_at_random_moments_it_ends_as_if_undisturbed(local_server: Server) -> None:
    server, asked = local_server, {"mechanisms": ["gated"], "config": {**TINY, "epochs": 6}}
    dataset = add_clips(server)
    with serving(server):
        (quiet,) = launched(server, dataset, **asked)
        undisturbed = wait_run(server, quiet)
        (run_id,) = launched(server, dataset, **asked)
        kills = kill_while_training(server, run_id, times=3)
        disturbed = wait_run(server, run_id, seconds=300)
    assert kills >= 2
    assert said(server, run_id) == said(server, quiet)
    assert disturbed.checkpoint_sha256 == undisturbed.checkpoint_sha256


def test_what_a_run_on_clips_will_cost(local_server: Server) -> None:
    dataset = add_clips(local_server)
    with serving(local_server):
        cost = tried(local_server, dataset, "cost", **TINY)
        curve = tried(local_server, dataset, "range", **TINY)
    assert cost.job.state == "succeeded", cost.job.detail
    assert (cost.result["steps"], cost.result["batch_size"]) == (4, 4)
    assert cost.result["disk_bytes"] > 0
    assert curve.job.state == "succeeded", curve.job.detail
    assert len(curve.result["curve"]) > 10
