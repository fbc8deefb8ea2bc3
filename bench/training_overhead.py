"""The overhead of recording a run: events, rows, heartbeat and saved states."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from statistics import median

import numpy as np
from PIL import Image

from app.core.settings import Settings
from app.db import jobs as job_rows
from app.db import training as rows
from app.db.tables import Job, new_id
from app.db.training_tables import Dataset, Study, TrainingRun
from bench.report import Row, Section, milliseconds
from ml.train.config import TrainConfig
from ml.train.events import Event, Saved, Step
from ml.train.spec import LabelledFiles, RunSpec
from ml.train.start import train
from worker.context import Context
from worker.heartbeat import Heartbeat
from worker.runtime import Runtime, make_runtime
from worker.training.event_handler import RunEventHandler
from worker.training.metrics_writer import MetricsWriter

GOAL = 1.02
IMAGES, SIDE, BATCH = 64, 128, 16
STEPS_A_TURN = 4
NEVER = 1e9
SAVE_SECONDS = 30.0  # between saved states in a real run


def section(rounds: int) -> Section:
    """Time a run with everything recorded and the same run without, in turn."""
    turns = max(8, rounds)
    with tempfile.TemporaryDirectory() as name:
        watched, bare, saving = measure(Path(name), turns)
    share = saving / SAVE_SECONDS
    ratio = median(watched) / median(bare) * (1 + share)
    step = milliseconds(median(bare))
    return Section(
        "A run that is watched",
        (
            Row(
                f"a step with events, heartbeat and saved states (MobileNetV2, {SIDE} px, "
                f"batch {BATCH})",
                "the bare step",
                f"{ratio:.3f} x; the bare step is {step}",
                f"{GOAL} x",
                ratio <= GOAL,
            ),
        ),
        (
            (
                "Both take turns on one run, four steps each; the state is saved every "
                f"{SAVE_SECONDS:.0f} s, which takes {milliseconds(saving)} and is counted as "
                f"{share:.2%}."
            ),
        ),
    )


def measure(folder: Path, turns: int) -> tuple[list[float], list[float], float]:
    """Return each turn's seconds per step, recorded and bare, and the seconds of a saved state."""
    runtime = make_runtime(Settings(home=folder / "home", min_free_bytes=0), "bench", queues=[])
    run = _run_row(runtime)
    spec = _spec(folder)
    bare: list[float] = []
    watched: list[float] = []
    with closing(train(spec)) as events:
        for event in events:
            if isinstance(event, Step):
                break
        for turn in range(2 * turns + 2):
            on = turn % 2 == 0
            spent = _watched(runtime, run, spec, events) if on else _bare(events)
            if turn > 1:
                (watched if on else bare).append(spent)
    return watched, bare, _saving(replace(spec, folder=folder / "saving", save_seconds=0.0))


def _bare(events: Iterator[Event]) -> float:
    return _timed(events, lambda _: None)


def _watched(runtime: Runtime, run: TrainingRun, spec: RunSpec, events: Iterator[Event]) -> float:
    with Heartbeat(runtime, run.job_id) as heartbeat:
        context = Context(runtime, run.job_id, heartbeat)
        with MetricsWriter(context, run.job_id, run.id) as metrics:
            handler = RunEventHandler(run, spec, metrics, context)

            def handle(event: Event) -> None:
                handler.handle(event)
                context.check()

            return _timed(events, handle)


def _timed(events: Iterator[Event], take: Callable[[Event], None]) -> float:
    """Return seconds per step over four steps; the end of an epoch counts for neither side."""
    began, done = time.perf_counter(), 0
    for event in events:
        if isinstance(event, Step):
            take(event)
            done += 1
        if done == STEPS_A_TURN:
            break
    return (time.perf_counter() - began) / done


def _saving(spec: RunSpec) -> float:
    """Return the median seconds from a step to its saved state."""
    spent = []
    with closing(train(spec)) as events:
        for event in events:
            if isinstance(event, Step):
                began = time.perf_counter()
            elif isinstance(event, Saved):
                spent.append(time.perf_counter() - began)
            if len(spent) == 5:
                break
    return median(spent)


def _spec(folder: Path) -> RunSpec:
    random = np.random.default_rng(0)
    files = []
    for number in range(IMAGES):
        path = folder / f"{number}.jpg"
        Image.fromarray(random.integers(0, 255, (160, 160, 3), np.uint8)).save(path)
        files.append(path)
    config = TrainConfig(
        start="scratch",
        frozen_blocks=0,
        epochs=1000,
        batch_size=BATCH,
        size=SIDE,
        eval_size=SIDE,
    )
    labels = tuple(number % 2 for number in range(IMAGES))
    few = slice(0, 2)
    (folder / "run").mkdir()
    return RunSpec(
        config=config,
        classes=("a", "b"),
        train=LabelledFiles(tuple(files), labels),
        val=LabelledFiles(tuple(files[few]), labels[few]),
        folder=folder / "run",
        cache=None,
        data_name="noise",
        data_fingerprint="0" * 64,
        save_seconds=NEVER,
    )


def _run_row(runtime: Runtime) -> TrainingRun:
    """Return a run that this process has claimed."""
    with runtime.sessions.begin() as session:
        job = Job(id=new_id(), kind="train", queue="training", params={})
        session.add(job)
        session.flush()
        dataset = Dataset(id=new_id(), name="n", source="folder", job_id=job.id, created_by="b")
        session.add(dataset)
        session.flush()
        study = Study(
            id=new_id(), name="n", dataset_id=dataset.id, request={}, probes=[], created_by="b"
        )
        session.add(study)
        session.flush()
        run = TrainingRun(
            id=new_id(),
            study_id=study.id,
            job_id=job.id,
            position=0,
            mechanism="plain",
            seed=0,
            config={"epochs": 1},
        )
        session.add(run)
        job_rows.claim(session, job.id, runtime.name)
    with runtime.readers() as session:
        claimed = rows.run(session, run.id)
    assert claimed is not None
    return claimed
