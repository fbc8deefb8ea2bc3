"""What a run on clips needs before its first step: snippets, starting weights, a trainer."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass

from ml.catalogue import default_device
from ml.errors import MlError
from ml.train.events import Loading
from ml.train.run import RunSpec
from ml.train.tasks.clips.config import CLIPS, ClipConfig
from ml.train.tasks.clips.data import Clips, load, thinned
from ml.train.tasks.clips.initial_weights import starting
from ml.train.tasks.clips.reading import ClipSource, Kept, MotionSource, Source
from ml.train.tasks.clips.trainer import ClipTrainer
from ml.train.tasks.photos.data import LabelledFiles

VAL_SEED, VAL_SHARE = 1, 4  # the validation split's clips move otherwise, and are fewer


def clips(spec: RunSpec, device: str | None) -> Generator[Loading, None, tuple[ClipTrainer, str]]:
    """Read what a run on clips needs; return its trainer, and where its weights are from.

    MlError for a split without clips.
    """
    config = spec.config
    assert isinstance(config, ClipConfig)
    if not spec.train.files or not spec.val.files:
        raise MlError("Both the training and the validation split need clips.")
    start = starting(config, spec.start)
    train, val = splits_of(spec, config)
    train_clips = yield from train.read(spec)
    val_clips = yield from val.read(spec)
    where = device or default_device(spec.device)
    trainer = ClipTrainer(
        config, train_clips, val_clips, start=start, device=where, probes=spec.probes
    )
    return trainer, start.origin


@dataclass(frozen=True)
class Split:
    """One split's clips, before they are read."""

    what: str
    source: Source

    def read(self, spec: RunSpec) -> Generator[Loading, None, Clips]:
        """Read them, telling how far it is."""
        assert isinstance(spec.config, ClipConfig)
        folder = (spec.cache or spec.folder) / "clips"
        classes = spec.config.names(spec.classes)
        work = load(self.source, classes, folder, spec.data_fingerprint)
        while True:
            try:
                yield Loading(f"Reading the {self.what} clips and their flow", next(work))
            except StopIteration as ended:
                found: Clips = ended.value
                return found


def splits_of(spec: RunSpec, config: ClipConfig) -> tuple[Split, Split]:
    """Where the two splits come from."""
    most = config.clips_at_most
    train, val = thinned(spec.train, most), thinned(spec.val, -(-most // VAL_SHARE))
    return (
        Split("training", _source(config, train, config.snippets, 0)),
        Split("validation", _source(config, val, config.test_segments, VAL_SEED)),
    )


def _source(config: ClipConfig, files: LabelledFiles, snippets: int, seed: int) -> Source:
    kept = Kept(snippets, config.size_kept, config.flow_length, config.flow)
    if config.source == CLIPS:
        return ClipSource(files.files, files.labels, kept)
    alone = Kept(1, config.size_kept, config.flow_length, config.flow)
    return MotionSource(files.files, files.labels, alone, seed)
