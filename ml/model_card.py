"""What the JSON beside a checkpoint holds.

Everything but what builds the network (`Architecture`) may be missing: cards of earlier versions
and of imported models hold less.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypedDict

from ml.networks.types import Stage
from ml.networks.video.types import Stream


class Architecture(TypedDict, total=False):
    """What the network is built from; the keys from `kind` on are a clip model's."""

    mechanism: str
    parameters: Mapping[str, Any]
    stages: Sequence[Stage]
    backbone: str
    kind: str
    architecture: str
    flow_length: int
    fusion: str
    weights: Sequence[float]
    consensus: str
    class_index: Mapping[Stream, Sequence[int] | None] | None
    flow_mechanism: str | None
    flow_parameters: Mapping[str, Any] | None
    consensus_parameters: Mapping[str, Any]
    streams: list[Stream]


class TaskMetrics(TypedDict, total=False):
    """Metrics of one task: the number of photos, or all from `interval` on for clips."""

    images: int
    interval: list[float]
    clips: int
    segments: int
    majority: float
    streams: dict[str, dict[str, Any]]
    masks: dict[str, dict[str, dict[str, float]]]


class Metrics(TaskMetrics, total=False):
    """How good the checkpoint's own weights are on the validation split."""

    accuracy: float
    loss: float


class TaskTraining(TypedDict, total=False):
    """Facts about the training of one task."""

    train_images: int
    train_clips: int
    clip_versions: dict[str, str]


class Training(TaskTraining, total=False):
    """How a model was trained; `recipe` is its `TrainConfig` without what `Architecture` holds."""

    data: str
    data_fingerprint: str
    seed: int
    seconds: float
    best_epoch: int
    stopped_early: bool
    device: str
    devices: int
    threads: int
    versions: dict[str, str]
    recipe: dict[str, Any]


class File(TypedDict):
    """The checkpoint that the card belongs to."""

    sha256: str
    bytes: int


class ModelCard(Architecture, total=False):
    """All that the JSON beside a checkpoint holds."""

    title: str
    position: int
    default: bool  # among the models of an analysis that names none; so if missing
    note: str  # a sentence to read before the answers
    summary: str  # where it is not the mechanism's
    classes: Sequence[str]
    input_size: int
    metrics: Metrics
    curves: list[dict[str, float]]
    training: Training
    weights_origin: str
    licence: str
    checkpoint: File
    localisation: list[dict[str, Any]]
    calibration: dict[str, Any]  # ml.calibration.record.Calibration
