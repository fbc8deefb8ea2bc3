"""Studies on tiny images that are made here, for a server whose parts are all real."""

from __future__ import annotations

import hashlib
import io
import json
import random
import time
from typing import Any

import numpy as np
from PIL import Image
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
    """A JPEG of noise, bluish or reddish."""
    chance = np.random.default_rng(seed)
    pixels = chance.integers(0, 120, (side, side, 3))
    pixels[..., 2 if label == 0 else 0] += 110
    file = io.BytesIO()
    Image.fromarray(pixels.astype(np.uint8)).save(file, "JPEG", quality=90)
    return file.getvalue()


def add_dataset(server: Server, train: int = 8, val: int = 4, name: str = "tiny") -> str:
    """A dataset as an import leaves it: so many images of each class and split."""
    files = []
    for split, count in (("train", train), ("val", val)):
        for label, title in enumerate(CLASSES):
            for number in range(count):
                about = {"name": f"{title}/{number}.jpg", "split": split, "label": label}
                about |= {"width": 40, "height": 40}
                files.append((about, picture(label, len(files))))
    return _add(server, files, list(CLASSES), name, (train, val))


def add_clips(server: Server, train: int = 4, val: int = 2) -> str:
    """A dataset of clips as an import leaves it: so many of each class and split."""
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


def launched(server: Server, dataset_id: str, **asked: Any) -> list[str]:
    """Launch a study and return its runs, in row order; a small configuration by default."""
    wait_for(lambda: has_form(server))
    config = {**TINY, **asked.pop("config", {})}
    wanted = launch.LaunchRequest(dataset_id=dataset_id, config=config, **asked)
    with server.sessions.begin() as session:
        study = launch.launch(session, server.blobs, wanted, request={}, by="admin")
        return [run.id for run in rows.runs_of(session, [study.id])]


def run_of(server: Server, run_id: str) -> TrainingRun:
    """A run as it is now, with its job."""
    with server.readers() as session:
        found = rows.run(session, run_id)
        assert found is not None
        return found


def state_of(server: Server, run_id: str) -> str:
    """The state of a run's job."""
    return run_of(server, run_id).job.state


def wait_run(server: Server, run_id: str, *states: str, seconds: float = 180.0) -> TrainingRun:
    """Wait until a run is in one of these states (succeeded by default), and return it."""
    wanted = states or ("succeeded",)

    def there() -> bool:
        run = run_of(server, run_id)
        over = run.job.state in ("failed", "cancelled") and run.job.state not in wanted
        assert not over, (run.job.state, run.job.detail, run.job.traceback)
        return run.job.state in wanted

    wait_for(there, seconds)
    return run_of(server, run_id)


def act(server: Server, what: str, run_id: str) -> None:
    """Do what a button does: `cancel`, `pause`, `resume`, `unpublish`."""
    with server.sessions.begin() as session:
        getattr(control, what)(session, control.find_run(session, run_id))


def steps_done(server: Server, run_id: str) -> int:
    """How many steps of a run are stored."""
    with server.readers() as session:
        return rows.last_point(session, run_id)


def said(server: Server, run_id: str) -> dict[str, Any]:
    """Everything a run has said, but for times."""
    with server.readers() as session:
        run = rows.run(session, run_id)
        assert run is not None
        found = select(RunPoint).where(RunPoint.run_id == run_id).order_by(RunPoint.step)
        points = [(p.step, p.loss, p.accuracy, p.lr) for p in session.scalars(found)]
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
    """Kill the worker that trains, a stored step apart at least; how often it was.

    With `chance`, at a random moment after the step, and not right after it.
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


def train_undisturbed(server: Server, dataset: str, **asked: Any) -> str:
    """A run of one mechanism that nobody disturbs, and that has succeeded."""
    (quiet,) = launched(server, dataset, **asked)
    wait_run(server, quiet)
    return quiet


def ends_as(server: Server, run_id: str, quiet: str) -> None:
    """Wait for the end of a run: it has said and made what the other one did."""
    disturbed = wait_run(server, run_id, seconds=300)
    assert said(server, run_id) == said(server, quiet)
    assert disturbed.checkpoint_sha256 == run_of(server, quiet).checkpoint_sha256
    assert len(said(server, run_id)["points"]) == disturbed.steps


def over(server: Server, run_id: str) -> bool:
    return state_of(server, run_id) in ("succeeded", "failed", "cancelled")


def import_model(server: Server, weights: bytes, card: bytes) -> ModelCard:
    """Bring in a checkpoint and its card, and wait until a worker offers or refuses them."""
    path = server.blobs.incoming()
    path.write_bytes(weights)
    with server.sessions.begin() as session:
        received = importing.receive(session, server.blobs, path, card)
    return importing.outcome(server.readers, received, 120)
