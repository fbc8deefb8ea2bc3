"""Turns what a run tells into rows and blobs."""

from __future__ import annotations

import io
import shutil
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from sqlalchemy.orm import Session

from app.db import training as rows
from app.db.training_tables import RunEpoch, TrainingRun
from app.storage import keys
from app.storage.blobs import BlobStore, flush, no_space_is_disk_full
from ml.catalogue import CatalogueEntry
from ml.networks.attention.base import MECHANISMS
from ml.train.events import (
    EpochEnd,
    Event,
    Finished,
    Loading,
    ProbeMaps,
    Ready,
    Saved,
    Step,
    Validating,
)
from ml.train.spec import RunSpec
from worker.context import Context
from worker.training.metrics_writer import MetricsWriter

SAVED_NOTE_SECONDS = 300.0
FASTEST_LISTENING, SLOWEST_LISTENING = 0.02, 0.2  # seconds


class RunEventHandler:
    """Takes in the events of one run."""

    def __init__(
        self,
        run: TrainingRun,
        spec: RunSpec,
        metrics: MetricsWriter,
        context: Context,
    ) -> None:
        self._run = run
        self._labels = spec.val.labels
        self._metrics = metrics
        self._context = context
        self._blobs = context.runtime.blobs
        self._epochs_known = run.epoch
        self._saved_note = time.monotonic()
        self._stepped = time.monotonic()

    def handle(self, event: Event) -> None:
        """Take one event in."""
        match event:
            case Step():
                self._metrics.step(event)
                self._listen()
            case EpochEnd():
                self._epoch(event)
            case Validating():
                self._metrics.validating(event)
            case Saved():
                self._saved(event)
            case Loading():
                self._metrics.loading(event)
            case Ready():
                self._ready(event)
            case Finished():
                self._finished(event)

    def _listen(self) -> None:
        """Look for a cancellation about once a step."""
        now = time.monotonic()
        pause, self._stepped = now - self._stepped, now
        self._context.listen_every(min(max(pause, FASTEST_LISTENING), SLOWEST_LISTENING))

    def _ready(self, event: Ready) -> None:
        self._metrics.ready(event)
        epochs = event.steps // event.steps_per_epoch
        what = f"{event.steps} steps of {event.batch_size} ({epochs} epochs), on {event.device}"
        resumed = f"Resumed at step {event.first_step}: {what}"
        self._metrics.note(resumed if event.first_step else f"Started: {what}")
        self._stepped = time.monotonic()

    def _epoch(self, event: EpochEnd) -> None:
        """Store an epoch for good before the run's state can be saved after it."""
        run_id = self._run.id
        predictions = keys.run_predictions(run_id, event.epoch)
        self._blobs.put(predictions, _npy(_predictions(event)))
        epoch = {
            "run_id": run_id,
            "epoch": event.epoch,
            "step": event.step,
            "values": _values(event),
            "probes": self._maps(event.probes, partial(keys.run_probes, run_id, event.epoch)),
            "predictions_key": predictions,
        }
        self._metrics.later(lambda session: rows.add_epoch(session, epoch))
        self._metrics.later(lambda session: rows.change(session, run_id, epoch=event.epoch))
        if event.epoch > self._epochs_known:
            self._metrics.note(
                f"Epoch {event.epoch}: loss {event.train_loss:.4f}, validation "
                f"{event.val_accuracy:.2%} (loss {event.val_loss:.4f}), {event.seconds:.1f} s"
            )
        self._metrics.flush()

    def _maps(self, maps: tuple[ProbeMaps, ...], name: Callable[[str], str]) -> dict[str, Any]:
        """Store maps, each method's as `name(method)`; return what the row says of them."""
        said: dict[str, Any] = {}
        for one in maps:
            key = name(one.method)
            self._blobs.put(key, _npy(one.values))
            stages = {stage: list(grid) for stage, grid in one.grids.items()}
            said[one.method] = {"unit": one.unit, "stages": stages, "key": key}
        return said

    def _saved(self, event: Saved) -> None:
        self._metrics.got_further()
        if time.monotonic() - self._saved_note > SAVED_NOTE_SECONDS:
            self._saved_note = time.monotonic()
            self._metrics.note(f"State saved at step {event.step}")

    def _finished(self, event: Finished) -> None:
        run = self._run
        keep(self._blobs, event.path, keys.run_model(run.id))
        keep(self._blobs, event.path.with_suffix(".json"), keys.run_card(run.id))
        about = dict(event.about)
        said = self._worst(event)
        said["card"] = _card(event, run.mechanism)
        said["stopped_early"] = event.stopped_early
        if event.stopped_early:
            self._metrics.note("Stopped early: validation did not get better any more")
        accuracy = about.get("metrics", {}).get("accuracy")
        self._metrics.note(
            "Finished" if accuracy is None else f"Finished: validation {accuracy:.2%}"
        )
        digest = said["card"]["checkpoint"]["sha256"]

        def write(session: Session) -> None:
            summary = _summary(rows.epochs(session, run.id), about) | said
            rows.change(
                session,
                run.id,
                summary=summary,
                about=about,
                checkpoint_key=keys.run_model(run.id),
                checkpoint_sha256=digest,
            )

        self._metrics.later(write)
        self._metrics.flush()

    def _worst(self, event: Finished) -> dict[str, Any]:
        """Return the worst mistakes of the checkpoint's own weights, and where their maps are."""
        maps = self._maps(event.worst, partial(keys.run_worst, self._run.id))
        said = zip(event.worst_indices, event.worst_predicted, event.worst_confidence, strict=True)
        worst = [
            {
                "index": index,
                "true": self._labels[index],
                "predicted": predicted,
                "confidence": confidence,
            }
            for index, predicted, confidence in said
        ]
        return {"worst": worst, "worst_maps": maps}


def keep(blobs: BlobStore, source: Path, key: str) -> None:
    """Copy a file into the blobs."""
    target = blobs.incoming()
    try:
        with no_space_is_disk_full():
            shutil.copyfile(source, target)
            with target.open("rb+") as file:
                flush(file)
        blobs.put_file(key, target)
    finally:
        target.unlink(missing_ok=True)


def _values(event: EpochEnd) -> dict[str, float]:
    names = (
        "train_loss",
        "train_accuracy",
        "val_loss",
        "val_accuracy",
        "lr",
        "seconds",
    )
    return {name: float(getattr(event, name)) for name in names}


def _predictions(event: EpochEnd) -> npt.NDArray[np.float32]:
    return np.stack([event.predicted.astype(np.float32), event.confidence.astype(np.float32)])


def _npy(values: npt.NDArray[Any]) -> bytes:
    file = io.BytesIO()
    np.save(file, np.ascontiguousarray(values), allow_pickle=False)
    return file.getvalue()


def _card(event: Finished, mechanism: str) -> dict[str, Any]:
    """Return the model card as the table of models shows it."""
    about = dict(event.about)
    entry = CatalogueEntry(
        id=mechanism,
        position=0,
        title=MECHANISMS[mechanism].about.title,
        mechanism=mechanism,
        checkpoint_sha256=about["checkpoint"]["sha256"],
        path=event.path,
        about=about,
    )
    return entry.card()


def _summary(epochs: list[RunEpoch], about: dict[str, Any]) -> dict[str, Any]:
    """Return what the run came to; accuracy and loss are those of the checkpoint's weights."""
    metrics = about.get("metrics", {})
    best = max(epochs, key=lambda row: row.values["val_accuracy"], default=None)
    return {
        "val_accuracy": metrics.get("accuracy"),
        "val_loss": metrics.get("loss"),
        "best_epoch": None if best is None else best.epoch,
        "seconds": round(sum(row.values["seconds"] for row in epochs), 3),
    }
