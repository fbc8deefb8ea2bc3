"""Launches studies and trials: rows with whole configurations, each with its job."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy.orm import Session

from app.core.errors import Conflict, NotFound, Unprocessable
from app.datasets import index as indices
from app.db import datasets
from app.db import training as rows
from app.db.documents import RunConfig, TrialRequest
from app.db.tables import new_id
from app.db.training_tables import Dataset, Study, TrainingRun, Trial
from app.jobs import service
from app.jobs.parameters import TrainJob, TrialJob
from app.jobs.states import State
from app.storage.blobs import BlobStore
from app.training.form import read

MAX_RUNS = 64
MAX_PROBES = 64


@dataclass(frozen=True)
class LaunchRequest:
    """A request for a study; None and missing fields get their defaults."""

    dataset_id: str
    name: str | None = None
    mechanisms: list[str] | None = None
    seeds: list[int] = field(default_factory=lambda: [0])
    config: Mapping[str, Any] = field(default_factory=dict)
    parameters: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    start_run: str | None = None
    probes: list[int] | None = None


def launch(
    session: Session,
    blobs: BlobStore,
    options: LaunchRequest,
    *,
    request: dict[str, Any],
    by: str,
) -> Study:
    """Add a study with its runs, queued in row order.

    Args:
        session: Session that writes.
        blobs: Where the dataset's index is.
        options: What to train.
        request: The body of the request, which is stored with the study.
        by: Name of the user.

    Raises:
        Busy: No worker has published a launch form.
        Conflict: The dataset is not ready.
        NotFound: There is no such dataset.
        Unprocessable: A field is wrong; the text says which.
    """
    form = read(session)
    dataset = ready_dataset(session, options.dataset_id)
    seeds = list(dict.fromkeys(options.seeds)) or [0]
    names = form.names(options.mechanisms)
    form.names(options.parameters)
    if len(names) * len(seeds) > MAX_RUNS:
        raise Unprocessable(f"A study has at most {MAX_RUNS} runs.")
    touched = _with_start(session, options)
    configs = [
        form.config(name, touched, options.parameters.get(name, {}), seed, dataset.kind)
        for seed in seeds
        for name in names
    ]
    study = Study(
        id=new_id(),
        name=options.name or _name(dataset, names),
        dataset_id=dataset.id,
        request=request,
        probes=_probes(blobs, dataset, options.probes),
        created_by=by,
    )
    session.add(study)
    session.flush()
    for position, config in enumerate(configs):
        add_run(session, study, position, config)
    return study


def add_run(session: Session, study: Study, position: int, config: RunConfig) -> TrainingRun:
    """Add one run of a study, with its job at the end of the queue."""
    run_id = new_id()
    job = service.enqueue(session, TrainJob(run_id=run_id), last=True)
    run = TrainingRun(
        id=run_id,
        study_id=study.id,
        job_id=job.id,
        position=position,
        mechanism=config["mechanism"],
        seed=config["seed"],
        config=config,
    )
    session.add(run)
    session.flush()
    return run


def add_trial(session: Session, kind: str, options: LaunchRequest) -> Trial:
    """Queue a trial (`cost` or `range`) of the one mechanism that `options` names."""
    form = read(session)
    dataset = ready_dataset(session, options.dataset_id)
    (mechanism,) = form.names(options.mechanisms)
    parameters = options.parameters.get(mechanism, {})
    config = form.config(mechanism, _with_start(session, options), parameters, kind=dataset.kind)
    trial_id = new_id()
    job = service.enqueue(session, TrialJob(trial_id=trial_id))
    request: TrialRequest = {
        "dataset_id": dataset.id,
        "config": config,
        "start_run": options.start_run,
    }
    trial = Trial(id=trial_id, kind=kind, job_id=job.id, request=request)
    session.add(trial)
    session.flush()
    return trial


def ready_dataset(session: Session, dataset_id: str) -> Dataset:
    """Return an imported dataset; NotFound if there is none, Conflict if it is not imported."""
    dataset = datasets.get(session, dataset_id)
    if dataset is None:
        raise NotFound("There is no dataset with this id. It may have been deleted.")
    if dataset.job.state != State.SUCCEEDED:
        raise Conflict(f"The dataset cannot be trained on: its import is {dataset.job.state}.")
    return dataset


def _with_start(session: Session, options: LaunchRequest) -> dict[str, Any]:
    """Return the touched fields, with `start` set if `start_run` names another run."""
    touched = dict(options.config)
    if options.start_run is None:
        if touched.get("start") == "checkpoint":
            raise Unprocessable("start_run: name the run whose weights these runs start from.")
        return touched
    run = rows.run(session, options.start_run)
    if run is None:
        raise Unprocessable("start_run: there is no such run.")
    if run.checkpoint_key is None:
        raise Unprocessable("start_run: that run has no checkpoint; only one that succeeded has.")
    return {**touched, "start": "checkpoint"}


def _name(dataset: Dataset, names: Sequence[str]) -> str:
    what = names[0] if len(names) == 1 else f"{len(names)} mechanisms"
    return f"{dataset.name}: {what}"[:120]


def _probes(blobs: BlobStore, dataset: Dataset, indexes: list[int] | None) -> list[int]:
    """Return validation indices, by default the first image of every class."""
    labels = [image.label for image in indices.load(blobs, dataset.id).split("val")]
    if indexes is None:
        first = {label: index for index, label in reversed(list(enumerate(labels)))}
        return [first[label] for label in sorted(first)][:MAX_PROBES]
    if len(indexes) > MAX_PROBES:
        raise Unprocessable(f"probes: at most {MAX_PROBES} images.")
    for index in indexes:
        if not 0 <= index < len(labels):
            raise Unprocessable(f"probes: validation images go from 0 to {len(labels) - 1}.")
    return list(dict.fromkeys(indexes))
