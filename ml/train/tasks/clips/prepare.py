"""What a run on clips needs before its first step: snippets, starting weights, a trainer."""

from __future__ import annotations

import time
from collections.abc import Generator
from dataclasses import replace
from pathlib import Path
from typing import Any

from ml.catalogue import default_device
from ml.errors import MlError
from ml.train.events import Loading
from ml.train.generators import reported, result_of
from ml.train.ranks import ALONE, Ranks
from ml.train.spec import LabelledFiles, RunSpec
from ml.train.tasks.clips.config import CAMERA_MOTION, CLIPS, MOVING_OBJECTS, ClipConfig
from ml.train.tasks.clips.data import Clips, load, thinned
from ml.train.tasks.clips.initial_weights import initial_weights
from ml.train.tasks.clips.moving_source import DrawnClips, MovingSource
from ml.train.tasks.clips.reading import ClipSource, MotionSource, SnippetSpec, Source
from ml.train.tasks.clips.trainer import ClipTrainer
from ml.train.trainer import Trainer

VAL_SEED, VAL_SHARE = 1, 4  # the validation split's clips move otherwise, and are fewer


def prepare(
    spec: RunSpec,
    ranks: Ranks,  # noqa: ARG001 (clips train in one process)
    device: str | None,
) -> Generator[Loading, None, tuple[Trainer, str]]:
    """Read the clips and load the starting weights; return the trainer and their origin.

    Raises:
        MlError: A split has no clips, or a file is broken.
    """
    config = spec.config
    assert isinstance(config, ClipConfig)
    if not spec.train.files or not spec.val.files:
        raise MlError("Both the training and the validation split need clips.")
    start = initial_weights(config, spec.start, spec.weights)
    most = config.clips_at_most
    train_files, val_files = thinned(spec.train, most), thinned(spec.val, -(-most // VAL_SHARE))
    train: Clips | DrawnClips
    if config.source == MOVING_OBJECTS:
        drawn = moving_source(config, train_files, config.size, config.seed, spec.grounds[0::2])
        train = DrawnClips(drawn, config.names(spec.classes))
        source: Source = moving_source(
            config, val_files, config.eval_size, VAL_SEED, spec.grounds[1::2]
        )
    else:
        train = yield from _read(spec, "training", _source(config, train_files, config.snippets, 0))
        source = _source(config, val_files, config.test_segments, VAL_SEED)
    val = yield from _read(spec, "validation", source)
    device = device or default_device(spec.device)
    trainer = ClipTrainer(config, train, val, start=start, device=device, probes=spec.probes)
    return trainer, start.origin


def _read(spec: RunSpec, split: str, source: Source) -> Generator[Loading, None, Clips]:
    assert isinstance(spec.config, ClipConfig)
    folder = (spec.cache or spec.folder) / "clips"
    classes = spec.config.names(spec.classes)
    work = load(source, classes, folder, spec.data_fingerprint)
    what = f"Reading the {split} clips and their flow"
    return (yield from reported(work, lambda done: Loading(what, done)))


def _source(config: ClipConfig, files: LabelledFiles, snippets: int, seed: int) -> Source:
    if config.source == CLIPS:
        spec = SnippetSpec(snippets, config.size_kept, config.flow_length, config.flow)
        return ClipSource(files.files, files.labels, spec)
    spec = SnippetSpec(1, config.size_kept, config.flow_length, config.flow)
    return MotionSource(files.files, files.labels, spec, seed, config.handheld)


def moving_source(
    config: ClipConfig,
    files: LabelledFiles,
    size: int,
    seed: int,
    grounds: tuple[Path, ...] = (),
) -> MovingSource:
    """Return clips of moving objects over labelled images, at `size` px."""
    spec = SnippetSpec(1, size, config.flow_length, config.flow)
    return MovingSource(files.files, files.labels, spec, seed, grounds=grounds)


def sample(spec: RunSpec, most: int) -> tuple[Trainer, float]:
    """Return a trainer on at most `most` training clips, two at least, and seconds to read one."""
    count = max(2, min(most, len(spec.train.files)))
    few = replace(spec, train=spec.train.spread(count), val=spec.val.spread(-(-count // 4)))
    began = time.perf_counter()
    trainer, _ = result_of(prepare(few, ALONE, None))
    read = len(few.train.files) + len(few.val.files)
    return trainer, (time.perf_counter() - began) / read


def cache_bytes(spec: RunSpec, trainer: Trainer, _inputs: Any) -> int:
    """Return the bytes of snippets that a run stores."""
    config = trainer.config
    assert isinstance(config, ClipConfig)
    snippet = (3 + 2 * config.flow_length) * config.size_kept**2
    train, val = len(spec.train.files), len(spec.val.files)
    if config.source == CLIPS:
        return snippet * (train * config.snippets + val * config.test_segments)
    return snippet * (val + train * (config.source == CAMERA_MOTION))  # a snippet an image
