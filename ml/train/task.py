"""What can be trained: the record of one task, and the registry of all.

A package in `ml.train.tasks` registers its task in its module `task`; nothing else names it.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass
from typing import Any

from ml.errors import MlError
from ml.networks.registry import Registry
from ml.train.config import TrainConfig
from ml.train.events import Loading
from ml.train.ranks import Ranks
from ml.train.spec import RunSpec
from ml.train.trainer import Trainer

Preparation = Generator[Loading, None, tuple[Trainer, str]]


@dataclass(frozen=True)
class Task:
    """One kind of data that networks are trained on.

    Attributes:
        config: Class of the task's settings.
        architectures: Values of the setting `architecture` that choose the task.
        prepare: Reads a run's data on a device (None: the one that the run names); returns its
            trainer and the origin of its starting weights.
        sample: Makes a trainer on at most that many training files, for an estimate; returns it
            and the seconds that reading one file took.
        cost_files: Most files that an estimate of the cost reads.
        range_files: Most files that a learning rate range test reads.
        cache_bytes: Most bytes that the run will keep in its cache, given the trainer of a sample
            and one batch of its inputs.
        recipe: Returns the settings of the shipped model with a mechanism, where they differ from
            the defaults.
        automatic_batch: Returns the largest batch that batch size 0 chooses on a device.
        several_devices: True if a run can share its work between devices.
    """

    config: type[TrainConfig]
    architectures: tuple[str, ...]
    prepare: Callable[[RunSpec, Ranks, str | None], Preparation]
    sample: Callable[[RunSpec, int], tuple[Trainer, float]]
    cost_files: int
    range_files: int
    cache_bytes: Callable[[RunSpec, Trainer, Any], int]
    recipe: Callable[[str], Mapping[str, Any]]
    automatic_batch: Callable[[str], int]
    several_devices: bool = False


TASKS: Registry[Task] = Registry("training task", "ml.train.tasks")


def task_of(config: TrainConfig) -> Task:
    """Return the task whose settings these are."""
    return next(task for _, task in TASKS.items() if task.config is type(config))


def task_named_by(settings: Mapping[str, Any]) -> Task:
    """Return the task that the setting `architecture` chooses: photos if it is missing.

    Raises:
        MlError: There is no such architecture.
    """
    architecture = settings.get("architecture", "image")
    known = [(name, task) for _, task in TASKS.items() for name in task.architectures]
    for name, task in known:
        if name == architecture:
            return task
    names = ", ".join(name for name, _ in known)
    raise MlError(f"architecture must be one of {names}, not {architecture!r}.")
