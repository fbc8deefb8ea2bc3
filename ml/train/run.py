"""The work of one process of a run, from files to checkpoint."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import dataclass, field, replace

from ml import checkpoint as checkpoints
from ml.train import resume
from ml.train.event_log import EventLog
from ml.train.events import EpochEnd, Event, Finished, Ready, Saved, Step
from ml.train.failures import user_errors
from ml.train.model_card import as_curve
from ml.train.ranks import ALONE, Ranks
from ml.train.spec import Provenance, RunSpec
from ml.train.task import task_of
from ml.train.trainer import Trainer

MODEL = "model.safetensors"


def train_rank(
    spec: RunSpec, ranks: Ranks = ALONE, device: str | None = None
) -> Generator[Event, None, None]:
    """Do the work of one process of the run, and log its events if it is rank 0.

    Args:
        spec: The run.
        ranks: Which of the run's processes this one is.
        device: The process's device; None takes the one that `spec` names.
    """
    with user_errors(), closing(_events(spec, ranks, device)) as events:
        if ranks.rank > 0:
            yield from events
            return
        with closing(EventLog(spec.folder)) as log:
            log.clear()
            for event in events:
                log.append(event)
                yield event


def _events(spec: RunSpec, ranks: Ranks, device: str | None) -> Generator[Event, None, None]:
    path = spec.folder / resume.NAME
    same_batches = replace(spec, config=resume.saved_config(spec.config, path))
    trainer, origin = yield from task_of(spec.config).prepare(same_batches, ranks, device)
    curves = resume.load(trainer, path) if path.is_file() else []
    yield from _Run(spec, trainer, origin, curves).events()


@dataclass
class _Run:
    """A trainer whose state is kept on disk, and that ends in a checkpoint."""

    spec: RunSpec
    trainer: Trainer
    origin: str
    curves: list[dict[str, float]] = field(default_factory=list)

    def events(self) -> Generator[Event, None, None]:
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
        evaluation = yield from trainer.measure(network)
        if trainer.ranks.rank != 0:
            return Finished(path, {})
        worst = trainer.mistakes(network, evaluation)
        spec = self.spec
        provenance = Provenance(spec.data_name, spec.data_fingerprint, self.origin)
        about = trainer.about(network, evaluation, self.curves, provenance)
        saved = checkpoints.save(network, path, about)
        return Finished(path, saved.about, trainer.stopped_early, worst)
