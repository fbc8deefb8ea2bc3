"""What a model says of a photo or a clip: frozen records, no behaviour."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ml.calibration.record import Calibration
from ml.explain.effects import MaskEffects
from ml.networks.network import Network
from ml.networks.types import FloatArray, Unit
from ml.networks.video.base import VideoNetwork
from ml.networks.video.types import Seconds, Shares, Stream


@dataclass(frozen=True)
class LoadedModel:
    """A network ready to explain, with its id in the table and the names of its classes."""

    id: str
    network: Network | VideoNetwork
    classes: tuple[str, ...]
    device: str = "cpu"
    calibration: Calibration | None = None


@dataclass(frozen=True)
class Track:
    """Maps of one kind over time, signed; a photo has one moment.

    values: float32 [T, h, w], or [T, c, h, w] for `attention-channels`. times: [T], seconds.
    target: the class that they are evidence for, None for what the network weighs by.
    effects: what the answer would be with other masks in their place; of a photo's learnt masks.
    """

    stream: Stream
    stage: str
    method: str
    unit: Unit
    layer: str
    values: FloatArray
    times: Seconds
    target: str | None = None
    effects: MaskEffects | None = None


@dataclass(frozen=True)
class StreamScores:
    """One stream's part in the decision: its weight, logits [T, C] and consensus [T]."""

    weight: float
    logits: FloatArray
    consensus: FloatArray


@dataclass(frozen=True)
class ClipScores:
    """How a model came to its answer over time.

    times [T] and bounds [T, 2] are those of the steps that the scores are of, in seconds.
    shares: stream -> [T], the part of the target's logit that comes from there; all of them and
    `rest` add up to the target's logit; none without a target. fusion: the rule's name.
    """

    times: Seconds
    bounds: Seconds
    streams: Mapping[Stream, StreamScores]
    shares: Mapping[Stream, Shares]
    rest: float
    fusion: str


@dataclass(frozen=True)
class Explanation:
    """All that one model says of one photo or clip: logits [C], probabilities [C], maps.

    target_index: the class that evidence is for; None where the model does not know it.
    probabilities: calibrated, by the temperature that the logits were divided by.
    in_domain: how likely the picture is of the model's kind, 0..1; None without a rule.
    abstained: whether it seems to be none of what the model knows.
    clip: how the answer came about over time; None for a photo.
    """

    model: str
    classes: tuple[str, ...]
    logits: FloatArray
    probabilities: FloatArray
    target_index: int | None
    tracks: tuple[Track, ...]
    seconds: float
    temperature: float = 1.0
    in_domain: float | None = None
    abstained: bool = False
    clip: ClipScores | None = None
