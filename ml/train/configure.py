"""Building a run's configuration from what a person chose, or from stored JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from ml.errors import MlError
from ml.train.config import TrainConfig
from ml.train.task import task_named_by

# Random weights have everything to learn, and nothing that could be frozen. Chosen by short runs
# on a part of Imagenette's training split, scored on another part of it (docs/training.md).
SCRATCH: Mapping[str, Any] = {
    "frozen_blocks": 0,
    "new_lr_factor": 1.0,
    "optimiser": "sgd",
    "lr": 0.05,
    "weight_decay": 5e-4,
    "batch_size": 32,
    "augmentation": 0.6,
}
SCRATCH_ADAMW: Mapping[str, Any] = {
    **SCRATCH,
    "optimiser": "adamw",
    "lr": 3e-3,
    "weight_decay": 0.05,
}


def suited(start: str, optimiser: str | None = None) -> Mapping[str, Any]:
    """Return the settings that these starting weights need changed from the defaults."""
    if start != "scratch":
        return {}
    return SCRATCH_ADAMW if optimiser == "adamw" else SCRATCH


def restored(values: Mapping[str, Any]) -> TrainConfig:
    """Build a configuration from `dataclasses.asdict` of one, or JSON of that."""
    config = task_named_by(values).config
    return config(**{**values, "stages": tuple(values["stages"])})


def configure(mechanism: str, settings: Mapping[str, Any]) -> TrainConfig:
    """Build a configuration from `settings`, what suits the starting weights, and defaults.

    Args:
        mechanism: Name of the attention mechanism.
        settings: Fields of the configuration. `architecture` chooses the task: `image`, the
            default, trains on photos, the name of a video architecture on clips.

    Raises:
        MlError: A field does not exist, or a value is not possible.
    """
    config = task_named_by(settings).config
    settings = {k: v for k, v in settings.items() if (k, v) != ("architecture", "image")}
    known = {f.name for f in fields(config)}
    unknown = sorted(set(settings) - known)
    if unknown:
        raise MlError(f"Unknown setting {unknown[0]!r}. Known: {', '.join(sorted(known))}.")
    suits = suited(str(settings.get("start")), settings.get("optimiser"))
    try:
        return config(**{**suits, **settings, "mechanism": mechanism})
    except TypeError as error:  # text where a number belongs
        raise MlError(f"The settings do not fit: {error}.") from error
