"""How a shipped clip model was trained, as far as it differs from the defaults."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields
from functools import lru_cache
from typing import Any

from ml.catalogue import SHIPPED
from ml.train.tasks.clips.config import MOTION, ClipConfig

FIGHT: Mapping[str, Any] = {
    "segments": 2,
    "flow_start": MOTION,
    "flow_frozen_blocks": 6,
    "weight_flow": 4.0,
}
"""What two streams on a few hundred real clips are trained with, beside the defaults."""


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
