"""What a run on photos needs before its first step: images, starting weights, a trainer."""

from __future__ import annotations

import shutil
import time
from collections.abc import Generator
from pathlib import Path
from typing import Any

from ml.catalogue import default_device
from ml.errors import MlError
from ml.train.events import Loading
from ml.train.generators import reported, result_of
from ml.train.ranks import Ranks
from ml.train.spec import LabelledFiles, RunSpec
from ml.train.tasks.photos.batch_size import with_batch_size
from ml.train.tasks.photos.data import Images, load
from ml.train.tasks.photos.frozen_features import RESERVE
from ml.train.tasks.photos.initial_weights import initial_weights
from ml.train.tasks.photos.trainer import PhotoTrainer
from ml.train.trainer import Trainer

SOURCE_SIDE = 160  # px that images are kept at, at least
HALF = 2  # bytes of a stored feature


def prepare(
    spec: RunSpec, ranks: Ranks, device: str | None
) -> Generator[Loading, None, tuple[Trainer, str]]:
    """Decode the images and load the starting weights; return the trainer and their origin.

    Raises:
        MlError: A split has no images, a probe does not exist, or a file is broken.
    """
    with ranks.first():
        train, val = yield from _load_data(spec)
    start = initial_weights(spec.config, spec.start, spec.weights)
    trainer = PhotoTrainer(
        spec.config,
        train,
        val,
        start=start,
        device=device or default_device(spec.device),
        cache=spec.cache,
        ranks=ranks,
        probes=spec.probes if ranks.rank == 0 else (),
    )
    return trainer, start.origin


def _load_data(spec: RunSpec) -> Generator[Loading, None, tuple[Images, Images]]:
    if not spec.train.files or not spec.val.files:
        raise MlError("Both the training and the validation split need images.")
    if any(not 0 <= i < len(spec.val.files) for i in spec.probes):
        raise MlError(f"The validation split has images 0 to {len(spec.val.files) - 1} to probe.")
    train = yield from _load_split(spec, "training", spec.train)
    val = yield from _load_split(spec, "validation", spec.val)
    return train, val


def _load_split(spec: RunSpec, name: str, files: LabelledFiles) -> Generator[Loading, None, Images]:
    work = load(files, spec.classes, _stored_side(spec), spec.cache, spec.data_fingerprint)
    return (yield from reported(work, lambda done: Loading(f"Reading the {name} images", done)))


def _stored_side(spec: RunSpec) -> int:
    return max(SOURCE_SIDE, spec.config.size)


def sample(spec: RunSpec, most: int) -> tuple[Trainer, float]:
    """Return a trainer on at most `most` training images, or a batch, and seconds to read one."""
    device = default_device(spec.device)
    config = with_batch_size(spec.config, len(spec.train.files), device)
    files = spec.train.spread(max(most, config.batch_size))
    began = time.perf_counter()
    images = result_of(load(files, spec.classes, _stored_side(spec), None))
    seconds = (time.perf_counter() - began) / max(1, len(files.files))
    start = initial_weights(config, spec.start, spec.weights)
    return PhotoTrainer(config, images, images, start=start, device=device), seconds


def cache_bytes(spec: RunSpec, trainer: Trainer, features: Any) -> int:
    """Return the most bytes of decoded images and features of frozen blocks that a run stores."""
    if spec.cache is None:
        return 0
    train, val = len(spec.train.files), len(spec.val.files)
    pixels = 3 * _stored_side(spec) ** 2 * (train + val)
    if not trainer.config.frozen_blocks or trainer.device.type != "cpu":
        return pixels
    larger = (spec.config.eval_size / spec.config.size) ** 2
    a_view = features[0].numel() * HALF
    stored = int(a_view * (train * spec.config.epochs + val * larger))
    room = max(0, shutil.disk_usage(_existing(spec.cache)).free - RESERVE)
    return pixels + min(stored, room)


def _existing(folder: Path) -> Path:
    """Return the folder, or the nearest one above it that exists."""
    return next(p for p in (folder, *folder.absolute().parents) if p.exists())
