"""What crosses the borders of `ml.networks.video`: frozen records, no behaviour."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
from torch import Tensor

from ml.networks.types import Stage

Stream = Literal["rgb", "flow"]
STREAMS: tuple[Stream, ...] = ("rgb", "flow")
Pixels = npt.NDArray[np.uint8]
Seconds = npt.NDArray[np.float64]
Shares = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Sampled:
    """What a photo or clip gives to the models: K snippets of L + 1 frames, the motion in each.

    frames: [K, L+1, H, W, 3], upright RGB, fitted to H x W (`ml.media.fit`).
    times: [K, L+1], presentation times in seconds from the clip's start.
    bounds: [K, 2], each segment's start and end in seconds.
    flow: [K, L, 2, H, W], quantised (`ml.media.flow`): 128 is no motion; x right, y down.
    """

    frames: Pixels
    times: Seconds
    bounds: Seconds
    flow: Pixels

    @classmethod
    def of_photo(cls, rgb: Pixels) -> Sampled:
        """A photo [H, W, 3] as a clip of one moment, without motion."""
        none = np.empty((1, 0, 2, *rgb.shape[:2]), np.uint8)
        return cls(rgb[None, None], np.zeros((1, 1)), np.zeros((1, 2)), none)

    @property
    def middle(self) -> int:
        """Which frame of each snippet stands for it: L // 2."""
        return (len(self.frames[0]) - 1) // 2

    @property
    def rgb(self) -> Pixels:
        """The snippets' own frames, [K, H, W, 3]."""
        return self.frames[:, self.middle]

    @property
    def snippet_times(self) -> Seconds:
        """The presentation times of those frames, [K]."""
        return self.times[:, self.middle]


@dataclass(frozen=True)
class ClipBatch:
    """Clips as networks take them, normalised.

    rgb: (B, K, 3, H, W). flow: (B, K, 2L, H, W), channels x1 y1 x2 y2 ...
    frames: (B, K, F, 3, H, W) for the architectures that see a whole clip at once, or None.
    """

    rgb: Tensor
    flow: Tensor
    frames: Tensor | None = None


@dataclass(frozen=True)
class StreamOutput:
    """What one stream says of each of a clip's T steps (its K snippets, most often).

    logits: (B, T, C), in the model's classes. consensus: (B, T), weights that sum to 1 over T.
    masks: stage -> (B, T, c, h, w). auxiliary: (weight, logits (B, C)) for training.
    """

    logits: Tensor
    consensus: Tensor
    masks: Mapping[Stage, Tensor]
    auxiliary: tuple[tuple[float, Tensor], ...] = ()

    @property
    def scores(self) -> Tensor:
        """The stream's logits of the whole clip, (B, C): sum_t a_t z_t."""
        return (self.consensus[..., None] * self.logits).sum(1)


@dataclass(frozen=True)
class ClipAttended:
    """What a video network returns: fused logits (B, C), each stream's own, and their weights.

    auxiliary: (weight, logits (B, C)) that training adds to the loss: each stream's own scores,
    where there are two, and what the mechanisms ask for.
    """

    logits: Tensor
    streams: Mapping[Stream, StreamOutput]
    weights: Mapping[Stream, float]
    auxiliary: tuple[tuple[float, Tensor], ...] = ()
