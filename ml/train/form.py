"""What can be trained here, as JSON: the fields of a launch form, made from the dataclasses."""

from __future__ import annotations

import typing
from collections.abc import Iterable
from dataclasses import MISSING, Field, fields
from typing import Any, Literal

import torch

from ml.catalogue import default_device
from ml.networks.attention.base import MECHANISMS, Entry
from ml.networks.types import STAGES
from ml.train.config import NETWORK, SCRATCH, SCRATCH_ADAMW, TrainConfig
from ml.train.tasks.clips.config import ClipConfig
from ml.train.tasks.clips.recipes import shipped as clip_recipe
from ml.train.tasks.photos.recipes import shipped
from ml.weights import find_local, weight_dirs

APART = ("mechanism", "parameters", "stages", "source")  # said elsewhere in the form
SHOWN = ("min", "max", "step", "unit")
TYPES = {int: "int", float: "float", bool: "bool"}


def form() -> dict[str, Any]:
    """Everything that a launch form needs to know of this machine and these mechanisms.

    fields: of a run; mechanisms: in row order, each with its own parameters and `recipe`, which
    holds the run's fields (and `parameters`) as the shipped model has them, where they differ from
    the defaults. clips: what a dataset of clips wants beside or instead: its own fields, and each
    mechanism's recipe. scratch, scratch_adamw: fields that random weights want otherwise. imagenet:
    whether the ImageNet weights are here already (else they are downloaded).
    """
    device = default_device()
    return {
        "fields": [described(f) for f in _hinted(TrainConfig) if f[0].name not in APART],
        "mechanisms": [_mechanism(name, entry) for name, entry in _in_order()],
        "stages": list(STAGES),
        "device": device,
        "devices": torch.cuda.device_count() if device.startswith("cuda") else 1,
        "imagenet": find_local(weight_dirs()) is not None,
        "clips": clips(),
        "scratch": dict(SCRATCH),
        "scratch_adamw": dict(SCRATCH_ADAMW),
    }


def clips() -> dict[str, Any]:
    """What the form says where the dataset is of clips."""
    shared = {f.name for f in fields(TrainConfig)}
    own = [f for f in _hinted(ClipConfig) if f[0].name not in shared | set(APART)]
    return {
        "fields": [described(f) for f in own],
        "recipes": {name: _clip_recipe(name) for name, _ in _in_order()},
    }


def _clip_recipe(mechanism: str) -> dict[str, Any]:
    return dict(clip_recipe(f"fight-{mechanism.replace('_', '-')}"))


def _in_order() -> list[tuple[str, Entry]]:
    return sorted(MECHANISMS.items(), key=lambda pair: pair[1].default_row[1])


def _mechanism(name: str, entry: Entry) -> dict[str, Any]:
    return {
        "name": name,
        "title": entry.about.title,
        "summary": entry.about.summary,
        "position": entry.default_row[1],
        "parameters": [described(f, NETWORK) for f in _hinted(entry.parameters)],
        "recipe": dict(shipped(name)),
    }


def _hinted(kind: type) -> Iterable[tuple[Field[Any], Any]]:
    hints = typing.get_type_hints(kind)
    return ((f, hints[f.name]) for f in fields(kind))


def described(pair: tuple[Field[Any], Any], group: str | None = None) -> dict[str, Any]:
    """Describe a field with its type as JSON; TypeError for a type that no form has."""
    known, hint = pair
    about = known.metadata
    choices = about.get("choices")
    if choices is None and hint not in TYPES:
        raise TypeError(f"{known.name} is of no type that a form can ask for")
    assert known.default is not MISSING
    assert choices is None or typing.get_origin(hint) in (None, Literal)
    said: dict[str, Any] = {
        "name": known.name,
        "title": about.get("title", known.name.replace("_", " ").capitalize()),
        "help": about.get("help", ""),
        "type": "choice" if choices else TYPES[hint],
        "default": known.default,
        "group": group or about["group"],
    }
    if choices:
        said["choices"] = list(choices)
    return said | {key: about[key] for key in SHOWN if key in about}
