"""How the shipped model of a mechanism was trained, as far as it differs from the defaults."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import MISSING, fields
from functools import lru_cache
from typing import Any

from ml.catalogue import SHIPPED
from ml.networks.attention.base import MECHANISMS, stored
from ml.train.config import TrainConfig
from ml.train.tasks.photos.batch_size import AT_MOST

AUTO = AT_MOST["cpu"]  # what batch size 0 comes to for the data of the shipped models


@lru_cache
def shipped(mechanism: str) -> Mapping[str, Any]:
    """Return the fields of `TrainConfig` that reproduce it; {} if none is shipped."""
    side = SHIPPED / f"{mechanism}.json"
    if not side.is_file():
        return {}
    about = json.loads(side.read_text(encoding="utf-8"))
    recipe = {"batch_size": 0, **about["training"]["recipe"]}
    if recipe["batch_size"] == AUTO:
        recipe["batch_size"] = 0
    left_out = ("mechanism", "parameters", "stages", "seed", "amp")
    settings = {
        f.name: recipe[f.name]
        for f in fields(TrainConfig)
        if f.name in recipe and f.name not in left_out and recipe[f.name] != f.default
    }
    built_with = stored(mechanism, about["parameters"])
    parameters = {
        f.name: built_with[f.name]
        for f in fields(MECHANISMS[mechanism].parameters)
        if f.default is not MISSING and built_with.get(f.name, f.default) != f.default
    }
    return {**settings, "parameters": parameters} if parameters else settings
