"""Does what a study asks for and has not been done: trials, then runs, each measured at once.

Every finished part leaves its record, so a study can be stopped at any step and goes on from there,
also on another machine with the records alone; a run that was cut off goes on from its saved state
if the work folder is still there. Processes that share the work folder share the work.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Collection, Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, cast

import torch
from filelock import FileLock, Timeout

from ml import checkpoint as checkpoints
from ml.errors import MlError
from ml.localise import Boxed, load_boxed
from ml.networks.network import build_network
from ml.study import trials
from ml.study.aggregate import Run as Record
from ml.study.measure import measure, measure_untrained
from ml.study.results import Results
from ml.study.spec import Run, StudySpec, settings_of
from ml.study.tables import study_json
from ml.study.trials import Trial
from ml.train.config import TrainConfig
from ml.train.data_folder import DataFolder
from ml.train.events import Event, Loading
from ml.train.generators import reported, result_of
from ml.train.run import MODEL
from ml.train.spec import RunSpec
from ml.train.start import train
from ml.train.tasks.photos.data import Images, load, read_images
from ml.train.tasks.photos.initial_weights import initial_weights

Work = Generator[Event, None, None]
MEASURING = "Measuring"


@dataclass(frozen=True)
class Part:
    """One thing to do: its name, and a function that starts its work."""

    name: str
    work: Callable[[], Work]


@dataclass
class Studying:
    """A study on this machine.

    Attributes:
        spec: What to do.
        data: Folder that holds the study's data.
        results: Folder of the records.
        work: Folder for caches, states and weights.
        device: `auto`, `cpu` or `cuda`.
        weights: Folders that may hold the ImageNet weights.
        name: The data's name, for the cards.
    """

    spec: StudySpec
    data: Path
    results: Path
    work: Path
    device: str = "cpu"
    weights: Sequence[Path] = ()
    name: str = ""

    def parts(self) -> list[Part]:
        """Return what is left to do, in order; runs follow once all trials are done.

        Raises:
            MlError: A record is damaged, or was made by another recipe.
        """
        left = [t for t in trials.all_trials(self.spec) if not self._trial_record(t)]
        if left:
            return [Part(f"trial {t.name}", self._trying(t)) for t in left]
        started = [
            Part(f"untrained {row}", self._looking(row))
            for row in self.spec.rows
            if self._untrained.read(row) is None
        ]
        runs = [run for run in self.spec.runs() if not self._done(run)]
        return started + [Part(run.name, self._running(run)) for run in runs]

    @contextmanager
    def next_part(self, only: Collection[str] = ()) -> Iterator[Part | None]:
        """Yield a part that no other process is working on, which none will begin meanwhile.

        Processes that share the work folder do a study together. Yields None if there is nothing
        left, or if others have all that is left; `parts` tells which.

        Args:
            only: Names of the parts to choose from; all if empty.
        """
        locks = self.work / "locks"
        locks.mkdir(parents=True, exist_ok=True)
        for part in self.parts():
            if only and part.name not in only:
                continue
            lock = FileLock(locks / f"{part.name}.lock", blocking=False)
            try:
                lock.acquire()
            except Timeout:
                continue
            try:
                if part.name in (p.name for p in self.parts()):  # and not done just now
                    yield part
                    return
            finally:
                lock.release()
        yield None

    def tables(self) -> dict[str, Any] | None:
        """Return the tables of all finished runs; None if there is none."""
        runs = self._runs.all().values()
        return (
            study_json((cast(Record, run) for run in runs), self._untrained.all()) if runs else None
        )

    @property
    def total(self) -> int:
        """Return how many parts the whole study has."""
        rows = len(self.spec.rows)
        return len(trials.all_trials(self.spec)) + rows + len(list(self.spec.runs()))

    @property
    def rate(self) -> float | None:
        """Return the rate that the trials chose; None without trials."""
        if self.spec.trials is None:
            return None
        known = [self._trial_record(t) for t in trials.all_trials(self.spec)]
        return trials.best_rate([r for r in known if r], self.spec.trials.rates)

    def config(self, run: Run) -> TrainConfig:
        """Return a run's configuration, with the rate that the trials chose."""
        return self.spec.config(run.row, self.spec.arms[run.arm].settings, run.seed, self.rate)

    @property
    def _trials(self) -> Results:
        return Results(self.results / "trials")

    @property
    def _untrained(self) -> Results:
        return Results(self.results / "untrained")

    @property
    def _runs(self) -> Results:
        return Results(self.results / "runs")

    def _trial_record(self, trial: Trial) -> dict[str, Any] | None:
        return self._fitting(self._trials, trial.name, trials.config(self.spec, trial))

    def _done(self, run: Run) -> bool:
        return self._fitting(self._runs, run.name, self.config(run)) is not None

    def _fitting(self, results: Results, name: str, config: TrainConfig) -> dict[str, Any] | None:
        """Return a record, if there is one; MlError if it is of another recipe."""
        record = results.read(name)
        if record and record["settings"] != settings_of(config):
            raise MlError(
                f"{results.folder.name}/{name} was trained with other settings than the study has "
                "now. Delete its record to train it again, or change the study back."
            )
        return record

    def _trying(self, trial: Trial) -> Callable[[], Work]:
        def work() -> Work:
            start = initial_weights(self.spec.config(trial.row, {}, 0), None, self.weights)
            record = yield from trials.run(
                self.spec, trial, self._trial_images, start, self._cache, self.device
            )
            self._trials.write(trial.name, record)

        return work

    def _looking(self, row: str) -> Callable[[], Work]:
        """Measure where a network points whose modules are as they are before training."""

        def work() -> Work:
            config = self.spec.config(row, {}, 0, self.rate)
            torch.manual_seed(0)
            network = build_network(config.spec(len(self._folder.classes)))
            initial_weights(config, None, self.weights).load_into(network)
            looking = measure_untrained(network, *self._pictures, **self._how)
            record = yield from reported(looking, lambda done: Loading(MEASURING, done))
            self._untrained.write(row, record)

        return work

    def _running(self, run: Run) -> Callable[[], Work]:
        def work() -> Work:
            kept = self.work / "models" / f"{run.name}.safetensors"
            if not kept.is_file():
                spec = self._run_spec(run)
                yield from train(spec)
                kept.parent.mkdir(parents=True, exist_ok=True)
                for suffix in (".json", ".safetensors"):  # the weights last: they say it is done
                    (spec.folder / MODEL).with_suffix(suffix).replace(kept.with_suffix(suffix))
                shutil.rmtree(spec.folder)
            checkpoint = checkpoints.read(kept)
            network = checkpoints.load_network(checkpoint)
            measuring = measure(network, *self._pictures, **self._how)
            measures = yield from reported(measuring, lambda done: Loading(MEASURING, done))
            card = {k: v for k, v in checkpoint.about.items() if k != "classes"}
            record = {**asdict(run), "settings": settings_of(self.config(run)), "card": card}
            self._runs.write(run.name, {**record, "measures": measures})

        return work

    def _run_spec(self, run: Run) -> RunSpec:
        folder, most = self._folder, self.spec.curve_images
        return RunSpec(
            config=self.config(run),
            classes=folder.classes,
            train=folder.train,
            val=folder.val if most is None else folder.val.spread(most),
            folder=self.work / f"{run.name}.run",
            cache=self._cache,
            data_name=self.name or self.spec.data,
            data_fingerprint=folder.fingerprint(),
            device=self.device,
            save_seconds=60,
            weights=tuple(self.weights),
        )

    @property
    def _side(self) -> int:
        """Px that all pictures are measured at."""
        return self.spec.config(next(iter(self.spec.rows)), {}, 0).eval_size

    @property
    def _cache(self) -> Path:
        return self.work / "cache"

    @property
    def _how(self) -> dict[str, Any]:
        return {"device": self.device, "side": self._side}

    @cached_property
    def _folder(self) -> DataFolder:
        return read_images(self.data / self.spec.data)

    @cached_property
    def _trial_images(self) -> tuple[Images, Images]:
        assert self.spec.trials is not None
        folder = self._folder
        return trials.data(self.spec.trials, folder.train, folder.classes, self._side, self._cache)

    @cached_property
    def _pictures(self) -> tuple[Images, Boxed]:
        """The validation split, and the photos with boxes."""
        folder = self._folder
        val = result_of(load(folder.val, folder.classes, self._side, self._cache))
        return val, load_boxed(self.data / self.spec.boxed)
