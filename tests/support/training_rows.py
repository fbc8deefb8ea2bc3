"""Runs with rows as a worker writes them, without training."""

from __future__ import annotations

import io
from typing import Any

import numpy as np

from app.db import jobs as job_rows
from app.db import training as rows
from tests.support.web import Api, card


def work(api: Api, run: Any, epochs: int = 2) -> None:
    """Fill a queued run as a worker does: 20 steps an epoch, then its end."""
    web, run_id = api.web, run["id"]
    with web.readers() as session:
        job_id = rows.run(session, run_id).job_id  # type: ignore[union-attr]
    with web.sessions.begin() as session:
        assert job_rows.claim(session, job_id, "worker")
    for epoch in range(1, epochs + 1):
        write_epoch(web, run_id, epoch)
    made = card(0, "gated", mechanism="gated", checkpoint={"sha256": "a" * 64, "bytes": 3})
    web.blobs.put(f"runs/{run_id}/model.safetensors", b"abc")
    summary = {"val_accuracy": 0.75, "val_loss": 0.5, "best_epoch": 2, "seconds": 1.0}
    summary |= {"worst": [], "worst_maps": {}, "card": made}
    with web.sessions.begin() as session:
        done = {"summary": summary, "about": {"mechanism": "gated"}, "epoch": epochs}
        key = f"runs/{run_id}/model.safetensors"
        rows.change(session, run_id, checkpoint_key=key, checkpoint_sha256="a" * 64, **done)
        assert job_rows.finish(session, job_id, "worker", "succeeded")


def write_epoch(web: Any, run_id: str, epoch: int) -> None:
    """Store 20 steps, an epoch with maps and predictions, and a log line."""
    steps = range(20 * epoch - 19, 20 * epoch + 1)
    predictions = np.array([[0, 0, 1, 0, 1, 1, 0, 1], np.linspace(0.5, 0.9, 8)], np.float32)
    key = f"runs/{run_id}/predictions-{epoch:04d}.npy"
    web.blobs.put(key, npy(predictions))
    maps = f"runs/{run_id}/probes-{epoch:04d}-attention.npy"
    web.blobs.put(maps, npy(np.zeros((2, 5), np.float16)))
    values = dict.fromkeys(
        ("train_loss", "train_accuracy", "val_loss", "val_accuracy", "lr", "seconds"), 0.5
    )
    with web.sessions.begin() as session:
        points = [
            {"run_id": run_id, "step": s, "loss": 9.0 if s == 7 else 1 / s, "accuracy": 0.5}
            | {"lr": 0.1, "images_per_s": 3.0}
            for s in steps
        ]
        rows.add_points(session, points)
        probes = {"attention": {"stages": {"early": [2, 2], "late": [1, 1]}, "key": maps}}
        rows.add_epoch(
            session,
            {"run_id": run_id, "epoch": epoch, "step": steps[-1], "values": values}
            | {"probes": probes, "predictions_key": key},
        )
        rows.add_note(session, run_id, f"Epoch {epoch}")
        rows.change(session, run_id, step=steps[-1], steps=40, epoch=epoch)
        job_rows.touch(session, rows.run(session, run_id).job_id)  # type: ignore[union-attr]


def npy(values: Any) -> bytes:
    file = io.BytesIO()
    np.save(file, values)
    return file.getvalue()
