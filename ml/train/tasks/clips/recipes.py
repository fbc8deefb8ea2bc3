"""How a shipped clip model was trained, as far as it differs from the defaults."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields
from functools import lru_cache
from typing import Any

from ml.catalogue import SHIPPED
from ml.train.tasks.clips.config import ClipConfig


@lru_cache
def shipped(name: str) -> Mapping[str, Any]:
    """Return the fields of `ClipConfig` that reproduce the model; {} if none is shipped."""
    side = SHIPPED / "clips" / f"{name}.json"
    if not side.is_file():
        return {}
    recipe = json.loads(side.read_text(encoding="utf-8"))["training"]["recipe"]
    left_out = ("mechanism", "parameters", "stages", "seed", "amp")
    return {
        f.name: recipe[f.name]
        for f in fields(ClipConfig)
        if f.name in recipe and f.name not in left_out and recipe[f.name] != f.default
    }
