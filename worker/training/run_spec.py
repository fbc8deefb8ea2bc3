"""From rows to a `RunSpec`: the data, the configuration, the starting weights."""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm import Session

from app.core.errors import Conflict, NotFound
from app.datasets import index as indices
from app.db import datasets
from app.db import training as rows
from app.db.documents import RunConfig, TrialRequest
from app.db.training_tables import Dataset, TrainingRun
from app.training.files import cache_folder, state_folder
from ml.train.configure import restored
from ml.train.spec import LabelledFiles, RunSpec
from worker.runtime import Runtime

LOST_START = "The run whose weights this one starts from was deleted."


def of_run(runtime: Runtime, session: Session, run: TrainingRun) -> RunSpec:
    """Return the specification of a run; NotFound if its data or starting weights are gone."""
    study = rows.study(session, run.study_id)
    assert study is not None
    start = study.request.get("start_run")
    return _spec(
        runtime,
        study.dataset,
        run.config,
        folder=state_folder(runtime.settings, run.id),
        probes=tuple(study.probes),
        start=None if start is None else runtime.blobs.path(_checkpoint_of(session, start)),
    )


def of_trial(runtime: Runtime, session: Session, trial_id: str, request: TrialRequest) -> RunSpec:
    """Return the specification of a trial."""
    dataset = datasets.get(session, request["dataset_id"])
    if dataset is None:
        raise NotFound("The dataset was deleted.")
    start = request.get("start_run")
    return _spec(
        runtime,
        dataset,
        request["config"],
        folder=state_folder(runtime.settings, trial_id),
        probes=(),
        start=None if start is None else runtime.blobs.path(_checkpoint_of(session, start)),
    )


def _spec(runtime: Runtime, dataset: Dataset, config: RunConfig, **more: Any) -> RunSpec:
    index = indices.load(runtime.blobs, dataset.id)
    settings = runtime.settings
    files = {
        split: LabelledFiles(
            tuple(index.path(runtime.blobs, settings, image) for image in index.split(split)),
            tuple(image.label for image in index.split(split)),
        )
        for split in indices.SPLITS
    }
    return RunSpec(
        config=restored(dict(config)),
        classes=index.classes,
        train=files["train"],
        val=files["val"],
        cache=cache_folder(settings),
        data_name=dataset.name,
        data_fingerprint=dataset.fingerprint or index.fingerprint(),
        device=settings.device,
        devices=settings.training_devices,
        weights=tuple(settings.weights_dirs),
        **more,
    )


def _checkpoint_of(session: Session, run_id: str) -> str:
    run = rows.run(session, run_id)
    if run is None:
        raise NotFound(LOST_START)
    if run.checkpoint_key is None:
        raise Conflict("The run whose weights this one starts from has not ended well.")
    return run.checkpoint_key
