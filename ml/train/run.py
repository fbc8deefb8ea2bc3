"""One run from files to checkpoint: what the worker and `python -m ml train` both call."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError

from ml import checkpoint as checkpoints
from ml.catalogue import default_device
from ml.errors import MlError
from ml.files import is_full
from ml.train import resume
from ml.train.config import TrainConfig, kind_of
from ml.train.events import (
    EpochEnd,
    Event,
    Finished,
    Loading,
    Ready,
    Saved,
    Step,
)
from ml.train.model_card import as_curve
from ml.train.parallel.ranks import ALONE, Ranks
from ml.train.tasks.photos.data import Images, LabelledFiles, load
from ml.train.tasks.photos.initial_weights import starting
from ml.train.tasks.photos.trainer import Trainer
from ml.train.trainer import Loop, Provenance

SOURCE_SIDE = 160  # px that images are kept at, at least
MODEL = "model.safetensors"


@dataclass(frozen=True)
class RunSpec:
    """A run: its settings, its data, and where it keeps what.

    folder: the run's own, for its state and its checkpoint. cache: decoded images and features of
    frozen blocks, which runs share. data_name: for the card. data_fingerprint: of the data's
    content, part of the cache's keys. start: a checkpoint, for `start=checkpoint`. probes: indices
    of validation images that are explained after every epoch. device: `auto`, `cpu`, `cuda`.
    devices: how many; more than one makes a process each. save_seconds: between saved states.
    """

    config: TrainConfig
    classes: tuple[str, ...]
    train: LabelledFiles
    val: LabelledFiles
    folder: Path
    cache: Path | None
    data_name: str
    data_fingerprint: str
    start: Path | None = None
    probes: tuple[int, ...] = ()
    device: str = "auto"
    devices: int = 1
    save_seconds: float = 30.0


def train(spec: RunSpec) -> Iterator[Event]:
    """Train, going on from `spec.folder` if an earlier try left its state there.

    Closing the generator saves the state first. Clips train on one device. MlError says in a
    sentence what a person can mend; the last good state stays then.
    """
    if spec.devices > 1 and not of_clips(spec):
        from ml.train.parallel import launch

        return launch.train(spec)
    return train_rank(spec, ALONE)


def train_rank(spec: RunSpec, ranks: Ranks, device: str | None = None) -> Iterator[Event]:
    """Do the work of one process of the run; all of it, where there is only one."""
    with sentences():
        path = spec.folder / resume.NAME
        settled = replace(spec, config=resume.kept_config(spec.config, path))
        trainer, origin = yield from _prepared(settled, ranks, device)
        curves = resume.load(trainer, path) if path.is_file() else []
        yield from _Run(spec, trainer, origin, curves).events()


def of_clips(spec: RunSpec) -> bool:
    """Whether the run is on clips."""
    return kind_of(asdict(spec.config)) is not TrainConfig


def _prepared(
    spec: RunSpec, ranks: Ranks, device: str | None
) -> Generator[Loading, None, tuple[Loop, str]]:
    if not of_clips(spec):
        return (yield from photos(spec, ranks, device))
    from ml.train.tasks.clips.prepare import clips

    return (yield from clips(spec, device))


def photos(
    spec: RunSpec, ranks: Ranks, device: str | None
) -> Generator[Loading, None, tuple[Loop, str]]:
    """Read what a run on photos needs; return its trainer, and where its weights are from."""
    with ranks.first():
        train_images, val_images = yield from load_data(spec)
    started = starting(spec.config, spec.start)
    trainer = Trainer(
        spec.config,
        train_images,
        val_images,
        weights=started.state,
        device=device or default_device(spec.device),
        cache=spec.cache,
        ranks=ranks,
        probes=spec.probes if ranks.rank == 0 else (),
    )
    return trainer, started.origin


def load_data(spec: RunSpec) -> Generator[Loading, None, tuple[Images, Images]]:
    """Decode both splits, or read them from the cache, telling how far it is.

    MlError for a split without images, a probe that does not exist, or a file that is broken.
    """
    if not spec.train.files or not spec.val.files:
        raise MlError("Both the training and the validation split need images.")
    if any(not 0 <= i < len(spec.val.files) for i in spec.probes):
        raise MlError(f"The validation split has images 0 to {len(spec.val.files) - 1} to probe.")
    side = max(SOURCE_SIDE, spec.config.size)
    found = []
    for what, files in (("training", spec.train), ("validation", spec.val)):
        work = load(files, spec.classes, side, spec.cache, spec.data_fingerprint)
        while True:
            try:
                yield Loading(f"Reading the {what} images", next(work))
            except StopIteration as ended:
                found.append(ended.value)
                break
    return found[0], found[1]


@dataclass
class _Run:
    """A trainer that keeps its state on disk and ends in a checkpoint."""

    spec: RunSpec
    trainer: Loop
    origin: str
    curves: list[dict[str, float]] = field(default_factory=list)

    def events(self) -> Iterator[Event]:
        trainer = self.trainer
        yield Ready(
            steps=trainer.steps,
            steps_per_epoch=trainer.steps_per_epoch,
            first_step=trainer.done,
            batch_size=trainer.config.batch_size,
            device=trainer.device.type,
        )
        try:
            yield from self._steps()
            finished = yield from self._finish()
        except GeneratorExit:
            self._save()
            raise
        yield finished

    def _steps(self) -> Iterator[Event]:
        saved_at = time.monotonic()
        for event in self.trainer.run():
            if isinstance(event, EpochEnd):
                self.curves.append(as_curve(event))
            yield event
            due = time.monotonic() - saved_at >= self.spec.save_seconds
            if isinstance(event, EpochEnd) or (isinstance(event, Step) and due):
                yield self._save()
                saved_at = time.monotonic()

    def _save(self) -> Saved:
        if self.trainer.ranks.rank == 0:
            resume.save(self.trainer, self.spec.folder / resume.NAME, self.curves)
        return Saved(self.trainer.done)

    def _finish(self) -> Generator[Event, None, Finished]:
        """Measure and write the float16 weights; explain the worst mistakes."""
        trainer, path = self.trainer, self.spec.folder / MODEL
        network = trainer.final()
        found = yield from trainer.measure(network)
        if trainer.ranks.rank != 0:
            return Finished(path, {})
        mistakes = trainer.mistakes(network, found)
        spec = self.spec
        known = Provenance(spec.data_name, spec.data_fingerprint, self.origin)
        about = trainer.about(network, found, self.curves, known)
        saved = checkpoints.save(network, path, about)
        return Finished(path, saved.about, trainer.stopped_early, **mistakes)


@contextmanager
def sentences() -> Iterator[None]:
    """Turn what a full disk or too little memory raises into MlError."""
    try:
        yield
    except torch.OutOfMemoryError as error:
        raise MlError(_TOO_LARGE.format("the GPU's memory")) from error
    except MemoryError as error:
        raise MlError(_TOO_LARGE.format("memory")) from error
    except (OSError, SafetensorError) as error:
        if not _full(error):
            raise
        raise MlError(
            "The disk is full (or a quota is used up), so the run's state could not be saved. Make "
            "room and resume: the run goes on from the last state that was saved."
        ) from error
    except RuntimeError as error:
        if "can't allocate memory" not in str(error):
            raise
        raise MlError(_TOO_LARGE.format("memory")) from error


_TOO_LARGE = (
    "The run does not fit into {}: take a smaller batch size or smaller images, or batch size 0, "
    "which looks for what fits."
)


def _full(error: Any) -> bool:
    if isinstance(error, OSError):
        return is_full(error)
    return any(f"(os error {n})" in str(error) for n in (27, 28, 122))  # EFBIG, ENOSPC, EDQUOT
