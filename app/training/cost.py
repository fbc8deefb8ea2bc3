"""What a study with all settings left alone will cost, by what this server has trained."""

from __future__ import annotations

from collections.abc import Mapping
from statistics import mean
from typing import Any, NamedTuple

from sqlalchemy.orm import Session

from app.db import training as rows
from app.db.training_tables import Dataset
from app.training.form import Form

MEASURED = 100  # of the newest runs, and of the newest trials, are looked at
LEAST_STEPS = 8  # of photos an epoch should have, where the batch size is automatic
Speeds = Mapping[tuple[str, str, Any], float]  # (kind, mechanism, size) -> seconds


class Cost(NamedTuple):
    """Runs and optimiser steps of a study; seconds: None if nothing like it has been measured."""

    runs: int
    steps: int | None
    seconds: float | None


def speeds(session: Session) -> Speeds:
    """Return the seconds for a file and epoch, validation included, of the newest run or trial."""
    measured: dict[tuple[str, str, Any], float] = {}
    for run, dataset in reversed(rows.finished_runs(session, MEASURED)):
        if run.summary and run.epoch and dataset.train_images:
            key = (dataset.kind, run.mechanism, run.config.get("size"))
            measured[key] = run.summary["seconds"] / (run.epoch * dataset.train_images)
    for trial, dataset in reversed(rows.cost_trials(session, MEASURED)):
        config, result = trial.request["config"], trial.result or {}
        key = (dataset.kind, config["mechanism"], config.get("size"))
        if key not in measured and dataset.train_images:  # a whole run says more than a trial
            measured[key] = result["seconds"] / (config["epochs"] * dataset.train_images)
    return measured


def of_defaults(form: Form, dataset: Dataset, known: Speeds) -> Cost:
    """Return what training every mechanism once costs; one without a speed counts as their mean."""
    configs = [form.config(name, {}, {}, kind=dataset.kind) for name in form.names(None)]
    steps = [_steps(form, dataset, config) for config in configs]
    found = [known.get((dataset.kind, c["mechanism"], c.get("size"))) for c in configs]
    times = [one for one in found if one is not None]
    return Cost(
        runs=len(configs),
        steps=None if None in steps else sum(count or 0 for count in steps),
        seconds=sum(
            (one or mean(times)) * config["epochs"] * dataset.train_images
            for one, config in zip(found, configs, strict=True)
        )
        if times
        else None,
    )


def _steps(form: Form, dataset: Dataset, config: Mapping[str, Any]) -> int | None:
    """Return a run's steps; None if the batch is the worker's choice, and it has not said which."""
    batch = config.get("batch_size")
    if not batch:
        batch = form.published.get("automatic_batch", {}).get(dataset.kind)
        photos = dataset.kind == "images"
        while photos and batch and batch > 2 and dataset.train_images // batch < LEAST_STEPS:
            batch //= 2
    return max(1, dataset.train_images // batch) * int(config["epochs"]) if batch else None
