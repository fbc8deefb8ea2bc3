"""The fields of the launch form as JSON, made from the configurations' dataclasses."""

from __future__ import annotations

import typing
from collections.abc import Iterable, Sequence
from dataclasses import MISSING, Field, fields
from pathlib import Path
from typing import Any, Literal

import torch

from ml.catalogue import default_device
from ml.networks.attention.base import MECHANISMS, MechanismEntry
from ml.networks.types import STAGES
from ml.networks.weights import find_local
from ml.train.config import TrainConfig
from ml.train.configure import SCRATCH, SCRATCH_ADAMW
from ml.train.fields import NETWORK
from ml.train.task import TASKS, Task

APART = ("mechanism", "parameters", "stages", "source")  # elsewhere in the form, or not in it
SHOWN = ("min", "max", "step", "unit")
TYPES = {int: "int", float: "float", bool: "bool"}


def form(weights: Sequence[Path] = ()) -> dict[str, Any]:
    """Return everything that a launch form needs to know of this machine and these mechanisms.

    Args:
        weights: Folders that may hold the ImageNet weights.

    Returns:
        fields: the settings of every run. mechanisms: in row order, each with its parameters and
        `recipe`, the settings (and `parameters`) of the shipped photo model where they differ from
        the defaults. clips: what a dataset of clips needs more: its own fields, and each
        mechanism's recipe. scratch, scratch_adamw: settings that random weights need changed.
        automatic_batch: the most that batch size 0 chooses, by kind of dataset.
        imagenet: true if a folder has the ImageNet weights (else they are downloaded, and if that
        fails, those that come along are taken).
    """
    device = default_device()
    return {
        "fields": [described(f) for f in _hinted(TrainConfig) if f[0].name not in APART],
        "mechanisms": [_mechanism(name, entry) for name, entry in _in_order()],
        "stages": list(STAGES),
        "device": device,
        "devices": torch.cuda.device_count() if device.startswith("cuda") else 1,
        "automatic_batch": {
            kind: TASKS[task].automatic_batch(device)
            for kind, task in (("images", "photos"), ("clips", "clips"))
        },
        "imagenet": find_local(weights) is not None,
        "clips": _more(TASKS["clips"]),
        "scratch": dict(SCRATCH),
        "scratch_adamw": dict(SCRATCH_ADAMW),
    }


def _more(task: Task) -> dict[str, Any]:
    """Return the fields that a task adds to those of every run, and its recipes by mechanism."""
    shared = {f.name for f in fields(TrainConfig)}
    own = [f for f in _hinted(task.config) if f[0].name not in shared | set(APART)]
    return {
        "fields": [described(f) for f in own],
        "recipes": {name: dict(task.recipe(name)) for name, _ in _in_order()},
    }


def _in_order() -> list[tuple[str, MechanismEntry]]:
    return sorted(MECHANISMS.items(), key=lambda pair: pair[1].default_row[1])


def _mechanism(name: str, entry: MechanismEntry) -> dict[str, Any]:
    return {
        "name": name,
        "title": entry.about.title,
        "summary": entry.about.summary,
        "position": entry.default_row[1],
        "parameters": [described(f, NETWORK) for f in _hinted(entry.parameters)],
        "recipe": dict(TASKS["photos"].recipe(name)),
    }


def _hinted(config: type) -> Iterable[tuple[Field[Any], Any]]:
    hints = typing.get_type_hints(config)
    return ((f, hints[f.name]) for f in fields(config))


def described(pair: tuple[Field[Any], Any], group: str | None = None) -> dict[str, Any]:
    """Describe a field with its type as JSON; TypeError for a type that no form has."""
    known, hint = pair
    about = known.metadata
    choices = about.get("choices")
    if choices is None and hint not in TYPES:
        raise TypeError(f"{known.name} is of no type that a form can ask for")
    assert known.default is not MISSING
    assert choices is None or typing.get_origin(hint) in (None, Literal)
    description: dict[str, Any] = {
        "name": known.name,
        "title": about.get("title", known.name.replace("_", " ").capitalize()),
        "help": about.get("help", ""),
        "type": "choice" if choices else TYPES[hint],
        "default": known.default,
        "group": group or about["group"],
    }
    if choices:
        description["choices"] = list(choices)
    return description | {key: about[key] for key in SHOWN if key in about}
