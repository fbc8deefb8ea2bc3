"""From what an admin asks for to a study: runs with whole configurations, each with its job."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy.orm import Session

from app.core.errors import Conflict, NotFound, Unprocessable
from app.datasets import index as indices
from app.db import training as rows
from app.db.tables import new_id
from app.db.training_tables import Dataset, Study, TrainingRun, Trial
from app.jobs import service
from app.jobs.parameters import TrainJob, TrialJob
from app.jobs.states import State
from app.storage.blobs import BlobStore
from app.training.form import Form, read

MAX_RUNS = 64
MAX_PROBES = 64


@dataclass(frozen=True)
class LaunchRequest:
    """A request for a study; what is None or missing gets its default."""

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
    asked: LaunchRequest,
    *,
    request: dict[str, Any],
    by: str,
) -> Study:
    """Add a study with its runs, queued in row order; `request` is kept as it was asked.

    Unprocessable or Conflict says what to change, Busy that no worker has published a form.
    """
    form = read(session)
    dataset = ready_dataset(session, asked.dataset_id)
    seeds = list(dict.fromkeys(asked.seeds)) or [0]
    names = form.names(asked.mechanisms)
    if len(names) * len(seeds) > MAX_RUNS:
        raise Unprocessable(f"A study has at most {MAX_RUNS} runs.")
    touched = _with_start(session, asked)
    configs = [
        form.config(name, touched, asked.parameters.get(name, {}), seed, dataset.kind)
        for seed in seeds
        for name in names
    ]
    _known_parameters(form, asked.parameters)
    study = Study(
        id=new_id(),
        name=asked.name or _name(dataset, names),
        dataset_id=dataset.id,
        request=request,
        probes=_probes(blobs, dataset, asked.probes),
        created_by=by,
    )
    session.add(study)
    session.flush()
    for position, config in enumerate(configs):
        add_run(session, study, position, config)
    return study


def add_run(session: Session, study: Study, position: int, config: dict[str, Any]) -> TrainingRun:
    """Add one run of a study, with its job at the end of the line."""
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


def add_trial(session: Session, kind: str, asked: LaunchRequest) -> Trial:
    """Queue a trial of the first mechanism that is asked for."""
    form = read(session)
    dataset = ready_dataset(session, asked.dataset_id)
    (mechanism,) = form.names(asked.mechanisms)
    parameters = asked.parameters.get(mechanism, {})
    config = form.config(mechanism, _with_start(session, asked), parameters, kind=dataset.kind)
    trial_id = new_id()
    job = service.enqueue(session, TrialJob(trial_id=trial_id))
    request = {"dataset_id": dataset.id, "config": config, "start_run": asked.start_run}
    trial = Trial(id=trial_id, kind=kind, job_id=job.id, request=request)
    session.add(trial)
    session.flush()
    return trial


def ready_dataset(session: Session, dataset_id: str) -> Dataset:
    """Return an imported dataset; NotFound, or Conflict while it is not ready."""
    dataset = rows.dataset(session, dataset_id)
    if dataset is None:
        raise NotFound("There is no dataset with this id. It may have been deleted.")
    if dataset.job.state != State.SUCCEEDED:
        raise Conflict(f"The dataset cannot be trained on: its import is {dataset.job.state}.")
    return dataset


def _with_start(session: Session, asked: LaunchRequest) -> dict[str, Any]:
    """Return the touched configuration; another run's weights are named by `start_run`."""
    touched = dict(asked.config)
    if asked.start_run is None:
        if touched.get("start") == "checkpoint":
            raise Unprocessable("start_run: name the run whose weights these runs start from.")
        return touched
    run = rows.run(session, asked.start_run)
    if run is None:
        raise Unprocessable("start_run: there is no such run.")
    if run.checkpoint_key is None:
        raise Unprocessable("start_run: that run has no checkpoint; only one that succeeded has.")
    return {**touched, "start": "checkpoint"}


def _known_parameters(form: Form, parameters: Mapping[str, Any]) -> None:
    for name in parameters:
        form.names([name])


def _name(dataset: Dataset, names: Sequence[str]) -> str:
    what = names[0] if len(names) == 1 else f"{len(names)} mechanisms"
    return f"{dataset.name}: {what}"[:120]


def _probes(blobs: BlobStore, dataset: Dataset, asked: list[int] | None) -> list[int]:
    """Return validation indices, by default the first image of every class."""
    labels = [image.label for image in indices.load(blobs, dataset.id).split("val")]
    if asked is None:
        first = {label: index for index, label in reversed(list(enumerate(labels)))}
        return [first[label] for label in sorted(first)][:MAX_PROBES]
    if len(asked) > MAX_PROBES:
        raise Unprocessable(f"probes: at most {MAX_PROBES} images.")
    for index in asked:
        if not 0 <= index < len(labels):
            raise Unprocessable(f"probes: validation images go from 0 to {len(labels) - 1}.")
    return list(dict.fromkeys(asked))
