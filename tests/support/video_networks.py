"""Tiny random clips, and networks of every registered video architecture."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import fields
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ml.networks.video.base import VIDEO_MODELS, VideoNetwork, VideoSpec, build_video
from ml.networks.video.inputs import prepare
from ml.networks.video.types import ClipBatch, Sampled
from tests.support import networks as nets

CLASSES = ("calm", "fight", "other")
PAIRS = [(name, m) for name, entry in VIDEO_MODELS.items() for m in entry.mechanisms]
EVERY_METHOD = ("attention", "rollout", "gradcam", "hirescam", "layercam", "xgradcam", "gradcampp")


def sampled(segments: int = 3, size: int = 64, length: int = 10, seed: int = 0) -> Sampled:
    """Frames and flow in coarse squares, at an uneven rate of about 25 per second."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 255, (segments, length + 1, 4, 4, 3)).astype(np.uint8)
    fields = rng.integers(90, 166, (segments, length, 2, 4, 4)).astype(np.uint8)
    side = size // 4
    times = np.cumsum(rng.uniform(0.03, 0.05, segments * (length + 1)))
    edges = np.linspace(times[0], times[-1] + 0.04, segments + 1)
    return Sampled(
        frames=coarse.repeat(side, 2).repeat(side, 3),
        times=times.reshape(segments, length + 1),
        bounds=np.stack([edges[:-1], edges[1:]], 1),
        flow=fields.repeat(side, 3).repeat(side, 4),
    )


def build(architecture: str, mechanism: str = "plain", **spec: Any) -> VideoNetwork:
    """A new network in eval mode, with weights that use every part of it."""
    with torch.random.fork_rng():
        torch.manual_seed(7)
        network = build_video(
            VideoSpec(
                architecture,
                mechanism,
                **{"classes": len(CLASSES), "backbone": nets.NARROW, **spec},
            )
        )
        nets.enliven(network)
        nets.calibrate(network, lambda: batch(network, 2, size=side_of(network)))
        return network


def side_of(network: VideoNetwork) -> int:
    """A cheap input side in px: the 3D networks have no narrow version."""
    return 32 if network.whole_clip else 64


@lru_cache(maxsize=16)
def lively(architecture: str, mechanism: str = "plain") -> VideoNetwork:
    """A shared network, which tests must leave unchanged."""
    return build(architecture, mechanism)


def precise(architecture: str, mechanism: str = "plain") -> VideoNetwork:
    """A float64 copy of the same, whose maps can be compared to many digits."""
    return copy.deepcopy(lively(architecture, mechanism)).double()


def batch(network: VideoNetwork, clips: int = 2, segments: int = 3, size: int = 64) -> ClipBatch:
    """Clips of the seeds 0, 1, ..., in the precision of the network."""
    made = prepare(network, [sampled(segments, size, seed=i) for i in range(clips)])
    dtype = next(network.parameters()).dtype
    return _mapped(made, lambda tensor: tensor.to(dtype))


def one_of(clips: ClipBatch, index: int) -> ClipBatch:
    """A batch of one of the clips."""
    return _mapped(clips, lambda tensor: tensor[index : index + 1])


def _mapped(clips: ClipBatch, change: Callable[[Tensor], Tensor]) -> ClipBatch:
    tensors = {field.name: getattr(clips, field.name) for field in fields(clips)}
    return ClipBatch(**{k: v if v is None else change(v) for k, v in tensors.items()})
