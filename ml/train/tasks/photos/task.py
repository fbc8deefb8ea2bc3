"""Training on photos, as the registry of tasks has it."""

from __future__ import annotations

from ml.train.config import TrainConfig
from ml.train.task import TASKS, Task
from ml.train.tasks.photos.batch_size import most_at_once
from ml.train.tasks.photos.prepare import cache_bytes, prepare, sample
from ml.train.tasks.photos.recipes import shipped

TASKS.register("photos")(
    Task(
        config=TrainConfig,
        architectures=("image",),
        prepare=prepare,
        sample=sample,
        cost_files=256,
        range_files=2048,
        cache_bytes=cache_bytes,
        recipe=shipped,
        automatic_batch=most_at_once,
        several_devices=True,
    )
)
