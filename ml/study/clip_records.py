"""What one network leaves of the study of clips; `Packed` is of each clip, in the images' order."""

from __future__ import annotations

from typing import TypedDict

from ml.study.packing import Packed
from ml.study.records import Pointing


class Share(TypedDict):
    """How many clips are right: of `count`, the `accuracy`, and its 95 % interval (Wilson)."""

    count: int
    accuracy: float
    interval: tuple[float, float]


class ClipAnswers(Share):
    """The same with the `predicted` classes of each clip."""

    predicted: Packed


class EvenMasks(TypedDict):
    """What answers become if a stream's masks are even at all stages.

    accuracy: Of the stream's own question.
    changed: Share of other answers to it.
    probability_change: Mean change of its true class's probability.
    both: Accuracy of the pair, fused.
    predicted: Answers to the stream's question.
    """

    accuracy: float
    changed: float
    probability_change: float
    both: float
    predicted: Packed


class ClipPointing(Pointing):
    """`alone`: share of hits in clips without a second thing, which is of the same class."""

    alone: float


class ClipMeasures(TypedDict):
    """What one network did with moving objects.

    things, movements: The truth of each clip; `areas`: of the thing's box, as shares.
    answers: `thing`, `movement` and `both`, the pair.
    pointing: Stream -> method -> stage -> hits of the thing's box; `centre` -> `image` too.
    even: Of each stream with masks.
    controls: `rgb on movement` and so on: a linear classifier on a stream's pooled features.
    """

    version: int
    seed: int
    side: int
    count: int
    things: Packed
    movements: Packed
    areas: Packed
    answers: dict[str, ClipAnswers]
    pointing: dict[str, dict[str, dict[str, ClipPointing]]]
    even: dict[str, EvenMasks]
    controls: dict[str, Share]
