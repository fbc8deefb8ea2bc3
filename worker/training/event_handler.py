"""Turns the events of a run into rows and blobs."""

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

from app.core.shares import judged, share_words
from app.db import training as rows
from app.db.training_tables import RunEpoch, TrainingRun
from app.storage import keys
from app.storage.blobs import BlobStore
from ml.catalogue import CatalogueEntry
from ml.checkpoint import Checkpoint
from ml.model_card import Metrics
from ml.train.events import (
    EpochEnd,
    Event,
    Finished,
    Loading,
    Mistakes,
    ProbeMaps,
    Ready,
    Saved,
    Step,
    Validating,
)
from ml.train.spec import RunSpec
from worker.context import Context
from worker.training.metrics_writer import MetricsWriter
from worker.training.summary import Results, StoredMaps, StoredMistake, Summary

SAVED_NOTE_SECONDS = 300.0
FASTEST_LISTENING, SLOWEST_LISTENING = 0.02, 0.2  # seconds


class RunEventHandler:
    """Stores the events of one run."""

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
        self._noted = time.monotonic()
        self._stepped = time.monotonic()

    def handle(self, event: Event) -> None:
        """Store one event."""
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
        """Check for a cancellation about once a step."""
        now = time.monotonic()
        pause, self._stepped = now - self._stepped, now
        self._context.listen_every(min(max(pause, FASTEST_LISTENING), SLOWEST_LISTENING))

    def _ready(self, event: Ready) -> None:
        self._metrics.ready(event)
        epochs = event.steps // event.steps_per_epoch
        how = f"Resumed at step {event.first_step}" if event.first_step else "Started"
        steps = f"{event.steps} steps of {event.batch_size} ({epochs} epochs)"
        self._metrics.note(f"{how}: {steps}, on {event.device}")
        self._stepped = time.monotonic()

    def _epoch(self, event: EpochEnd) -> None:
        """Store an epoch, and wait until it is in the database."""
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
                f"{share_words(event.val_accuracy, len(event.predicted))} "
                f"(loss {event.val_loss:.4f}), {event.seconds:.1f} s"
            )
        self._metrics.flush()

    def _maps(
        self, maps: tuple[ProbeMaps, ...], name: Callable[[str], str]
    ) -> dict[str, StoredMaps]:
        """Store maps, each method's as `name(method)`; return what the row holds of them."""
        stored: dict[str, StoredMaps] = {}
        for method_maps in maps:
            key = name(method_maps.method)
            self._blobs.put(key, _npy(method_maps.values))
            stages = {stage: list(grid) for stage, grid in method_maps.grids.items()}
            stored[method_maps.method] = {
                "unit": method_maps.unit,
                "stages": stages,
                "key": key,
            }
        return stored

    def _saved(self, event: Saved) -> None:
        self._metrics.got_further()
        if time.monotonic() - self._noted > SAVED_NOTE_SECONDS:
            self._noted = time.monotonic()
            self._metrics.note(f"State saved at step {event.step}")

    def _finished(self, event: Finished) -> None:
        run = self._run
        keep(self._blobs, event.path, keys.run_model(run.id))
        keep(self._blobs, event.path.with_suffix(".json"), keys.run_card(run.id))
        if event.stopped_early:
            self._metrics.note("Stopped early: validation did not get better any more")
        metrics = event.about["metrics"]
        right = share_words(metrics["accuracy"], judged(metrics))
        self._metrics.note(f"Finished: validation {right}")
        worst = self._worst(event.worst)
        worst_maps = self._maps(event.worst.maps, partial(keys.run_worst, run.id))
        checkpoint = Checkpoint(event.path, event.about["checkpoint"]["sha256"], event.about)
        card = CatalogueEntry.of(checkpoint, run.mechanism).card()

        def write(session: Session) -> None:
            summary: Summary = {
                **_results(rows.epochs(session, run.id), event.about["metrics"]),
                "worst": worst,
                "worst_maps": worst_maps,
                "card": card,
                "stopped_early": event.stopped_early,
            }
            rows.change(
                session,
                run.id,
                summary=summary,
                about=event.about,
                checkpoint_key=keys.run_model(run.id),
                checkpoint_sha256=checkpoint.sha256,
            )

        self._metrics.later(write)
        self._metrics.flush()

    def _worst(self, mistakes: Mistakes) -> list[StoredMistake]:
        """Return the worst mistakes of the checkpoint's own weights."""
        columns = zip(mistakes.indices, mistakes.predicted, mistakes.confidence, strict=True)
        return [
            {
                "index": index,
                "true": self._labels[index],
                "predicted": predicted,
                "confidence": confidence,
            }
            for index, predicted, confidence in columns
        ]


def keep(blobs: BlobStore, source: Path, key: str) -> None:
    """Copy a file into the blobs."""
    with blobs.create(key) as path:
        shutil.copyfile(source, path)


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


def _results(epochs: list[RunEpoch], metrics: Metrics) -> Results:
    """Return a run's numbers; accuracy and loss are those of the checkpoint's weights."""
    best = max(epochs, key=lambda row: row.values["val_accuracy"], default=None)
    return {
        "val_accuracy": metrics["accuracy"],
        "val_loss": metrics["loss"],
        "best_epoch": None if best is None else best.epoch,
        "seconds": round(sum(row.values["seconds"] for row in epochs), 3),
    }
