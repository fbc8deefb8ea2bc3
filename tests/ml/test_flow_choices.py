"""A form offers only ways to compute flow that this machine has."""

from __future__ import annotations

from dataclasses import fields

import numpy as np

from ml.media import flow
from ml.train.tasks.clips.config import ClipConfig


def test_every_flow_method_that_a_run_offers_works_here() -> None:
    (field,) = (f for f in fields(ClipConfig) if f.name == "flow")
    frames = np.random.default_rng(0).integers(0, 255, (2, 32, 32, 3)).astype(np.uint8)
    assert field.metadata["choices"]
    for name in field.metadata["choices"]:
        assert flow.between(frames[0], frames[1], name).shape == (32, 32, 2)
