"""Studies on tiny synthetic images and clips, with a real server and worker."""

from __future__ import annotations

import hashlib
import json
import random
import time
from typing import Any

import numpy as np
from sqlalchemy import select

from app.db import capabilities
from app.db import training as rows
from app.db.tables import Job, ModelCard, new_id, utcnow
from app.db.training_tables import Dataset, RunPoint, TrainingRun
from app.jobs.parameters import TRAINING
from app.storage import keys
from app.training import control, launch
from app.training.models import importing
from tests.support.backend import Server, kill_workers, wait_for
from tests.support.clip_archives import clip_classes
from tests.support.encoding import encode

CLASSES = ("blue", "red")
MOVES = ("left", "right")
TINY = {"epochs": 2, "batch_size": 4, "size": 32, "eval_size": 32, "start": "scratch", "lr": 0.01}
TINY_CLIPS = {
    "epochs": 2,
    "batch_size": 4,
    "size": 64,
    "eval_size": 64,
    "snippets": 2,
    "segments": 2,
    "test_segments": 2,
    "flow_length": 5,
    "rgb_start": "imagenet",
    "flow_start": "imagenet",
}


def picture(label: int, seed: int, side: int = 40) -> bytes:
    """A JPEG of noise, bluish (label 0) or reddish (1)."""
    pixels = np.random.default_rng(seed).integers(0, 120, (side, side, 3))
    pixels[..., 2 if label == 0 else 0] += 110
    return encode(pixels.astype(np.uint8), quality=90)


def add_dataset(server: Server, train: int = 8, val: int = 4, name: str = "tiny") -> str:
    """Store an imported dataset with `train` and `val` images per class."""
    files = []
    for split, count in (("train", train), ("val", val)):
        for label, title in enumerate(CLASSES):
            for number in range(count):
                about = {"name": f"{title}/{number}.jpg", "split": split, "label": label}
                about |= {"width": 40, "height": 40}
                files.append((about, picture(label, len(files))))
    return _add(server, files, list(CLASSES), name, (train, val))


def add_clips(server: Server, train: int = 4, val: int = 2) -> str:
    """Store an imported dataset with `train` and `val` clips per class."""
    files = []
    for split, count, seed in (("train", train, 0), ("val", val, 50)):
        for name, data in sorted(clip_classes(count, seed=seed, frames=14).items()):
            about = {"name": name, "split": split, "label": MOVES.index(name.split("/")[0])}
            about |= {"width": 64, "height": 64, "seconds": 1.4}
            files.append((about, data))
    return _add(server, files, list(MOVES), "moves", (train, val), kind="clips")


def _add(
    server: Server,
    files: list[tuple[dict[str, Any], bytes]],
    classes: list[str],
    name: str,
    counts: tuple[int, int],
    **columns: str,
) -> str:
    """Store a dataset's files, its index and its row."""
    dataset_id, images, (train, val) = new_id(), [], counts
    for number, (about, data) in enumerate(files):
        digest = hashlib.sha256(data).hexdigest()
        images.append({"n": number, **about, "sha256": digest, "bytes": len(data)})
        server.blobs.put(f"datasets/{dataset_id}/{number:06d}", data)
    index = {"classes": classes, "images": images}
    server.blobs.put(keys.dataset_index(dataset_id), json.dumps(index).encode())
    with server.sessions.begin() as session:
        job = Job(id=new_id(), kind="import_dataset", queue="preparation", params={})
        job.state, job.finished_at = "succeeded", utcnow()
        session.add(job)
        session.flush()
        dataset = Dataset(
            id=dataset_id,
            name=name,
            source="archive",
            job_id=job.id,
            created_by="admin",
            classes=[{"name": title, "train": train, "val": val} for title in classes],
            train_images=len(classes) * train,
            val_images=len(classes) * val,
            fingerprint=hashlib.sha256(dataset_id.encode()).hexdigest(),
            **columns,
        )
        session.add(dataset)
    return dataset_id


def has_form(server: Server) -> bool:
    """Whether a worker has published the launch form."""
    with server.readers() as session:
        return capabilities.get(session, capabilities.TRAINING) is not None


def launched(server: Server, dataset_id: str, **fields: Any) -> list[str]:
    """Launch a study and return the ids of its runs, in order; a small configuration by default."""
    wait_for(lambda: has_form(server))
    config = {**TINY, **fields.pop("config", {})}
    body = launch.LaunchRequest(dataset_id=dataset_id, config=config, **fields)
    with server.sessions.begin() as session:
        study = launch.launch(session, server.blobs, body, request={}, by="admin")
        return [run.id for run in rows.runs_of(session, [study.id])]


def run_of(server: Server, run_id: str) -> TrainingRun:
    """The current row of a run, with its job."""
    with server.readers() as session:
        run = rows.run(session, run_id)
        assert run is not None
        return run


def state_of(server: Server, run_id: str) -> str:
    """The state of a run's job."""
    return run_of(server, run_id).job.state


def wait_run(server: Server, run_id: str, *states: str, seconds: float = 180.0) -> TrainingRun:
    """Wait until a run is in one of these states (succeeded by default), and return it."""
    expected = states or ("succeeded",)

    def reached() -> bool:
        job = run_of(server, run_id).job
        ended = job.state in ("failed", "cancelled")
        assert job.state in expected or not ended, (job.state, job.detail, job.traceback)
        return job.state in expected

    wait_for(reached, seconds)
    return run_of(server, run_id)


def act(server: Server, action: str, run_id: str) -> None:
    """Apply `cancel`, `pause`, `resume` or `unpublish` to a run."""
    with server.sessions.begin() as session:
        getattr(control, action)(session, control.find_run(session, run_id))


def steps_done(server: Server, run_id: str) -> int:
    """The last stored step of a run."""
    with server.readers() as session:
        return rows.last_point(session, run_id)


def said(server: Server, run_id: str) -> dict[str, Any]:
    """Everything that a run has stored, except times."""
    with server.readers() as session:
        run = rows.run(session, run_id)
        assert run is not None
        query = select(RunPoint).where(RunPoint.run_id == run_id).order_by(RunPoint.step)
        points = [(p.step, p.loss, p.accuracy, p.lr) for p in session.scalars(query)]
        epochs = []
        for row in rows.epochs(session, run_id):
            values = {k: v for k, v in row.values.items() if k != "seconds"}
            keys = [row.predictions_key, *(maps["key"] for maps in row.probes.values())]
            blobs = [hashlib.sha256(server.blobs.get(key or "")).hexdigest() for key in keys]
            epochs.append((row.epoch, row.step, values, blobs))
        return {"points": points, "epochs": epochs, "checkpoint": run.checkpoint_sha256}


def kill_while_training(
    server: Server, run_id: str, times: int, chance: random.Random | None = None
) -> int:
    """Kill the training worker up to `times`, at least a stored step apart; return how often.

    With `chance`, at a random moment after the step instead of right after it.
    """
    kills = 0
    while kills < times:
        seen = steps_done(server, run_id)
        wait_for(lambda at=seen: steps_done(server, run_id) > at or over(server, run_id))
        if over(server, run_id):
            break
        if chance is not None:
            time.sleep(chance.uniform(0, 0.4))
        kills += kill_workers(server, TRAINING) > 0
    return kills


def train_undisturbed(server: Server, dataset: str, **fields: Any) -> str:
    """Train one mechanism without interruption; return the run's id."""
    (quiet,) = launched(server, dataset, **fields)
    wait_run(server, quiet)
    return quiet


def ends_as(server: Server, run_id: str, quiet: str) -> None:
    """Wait for the end of a run, which must have stored the same as the uninterrupted one."""
    disturbed = wait_run(server, run_id, seconds=300)
    record = said(server, run_id)
    assert record == said(server, quiet)
    assert len(record["points"]) == disturbed.steps


def over(server: Server, run_id: str) -> bool:
    return state_of(server, run_id) in ("succeeded", "failed", "cancelled")


def import_model(server: Server, weights: bytes, card: bytes) -> ModelCard:
    """Import a checkpoint and its card, and wait until a worker accepts or rejects them."""
    path = server.blobs.incoming()
    path.write_bytes(weights)
    with server.sessions.begin() as session:
        received = importing.receive(session, server.blobs, path, card, user_id="")
    return importing.outcome(server.readers, received, 120)
