"""Training on clips, as the registry of tasks has it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ml.networks.video.base import VIDEO_MODELS
from ml.train.task import TASKS, Task
from ml.train.tasks.clips.config import ClipConfig
from ml.train.tasks.clips.prepare import cache_bytes, prepare, sample
from ml.train.tasks.clips.recipes import FIGHT
from ml.train.tasks.clips.trainer import CLIPS_AT_ONCE


def recipe(_mechanism: str) -> Mapping[str, Any]:
    """Return the settings for a few hundred real clips, the same for every mechanism."""
    return FIGHT


TASKS.register("clips")(
    Task(
        config=ClipConfig,
        architectures=tuple(VIDEO_MODELS),
        prepare=prepare,
        sample=sample,
        cost_files=16,  # a clip's snippets take as long to read as many images
        range_files=64,
        cache_bytes=cache_bytes,
        recipe=recipe,
        automatic_batch=lambda _device: CLIPS_AT_ONCE,
    )
)
