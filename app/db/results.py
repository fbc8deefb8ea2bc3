"""Types of what the JSON columns of an analysis' results hold; workers write them."""

from __future__ import annotations

from typing import Any, NotRequired, TypedDict


class ClassScore(TypedDict):
    """A class and its probability, 0..1."""

    index: int
    name: str
    probability: float


class StreamScores(TypedDict):
    """One stream of a clip: logits [T][C], and each step's part in the mean [T]."""

    weight: float
    logits: list[list[float]]
    consensus: list[float]


class ClipScores(TypedDict):
    """How a model came to its answer over time; see `ml.explain.results.ClipScores`."""

    classes: list[str]
    times: list[float]
    bounds: list[list[float]]
    fusion: str
    streams: dict[str, StreamScores]
    shares: dict[str, list[float]]
    rest: float


class Provenance(TypedDict):
    """How a result came about; see `worker.analysis.provenance`."""

    photo_sha256: NotRequired[str]
    clip_sha256: NotRequired[str]
    request: dict[str, Any]
    checkpoints: dict[str, str]  # model -> SHA-256
    preprocessing: dict[str, Any]
    combined: str
    device: str
    threads: int
    seed: int | None
    versions: dict[str, str]
    seconds: float
