"""From sampled clips to what the networks take: normalised, in one order of axes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from ml.errors import MlError
from ml.networks.video.base import VideoNetwork
from ml.networks.video.sampling import spread
from ml.networks.video.types import ClipBatch, Pixels, Sampled
from ml.networks.weights import STD, normalise

STILL = 128  # the quantised value of no motion
FLOW_STD = sum(STD) / len(STD)  # as TSN: the flow is scaled as grey is


def normalise_flow(flow: Tensor) -> Tensor:
    """uint8 (..., L, 2, H, W) -> float32 (..., 2L, H, W), 0 where nothing moves.

    Channels x1 y1 x2 y2 ...; the full range of the quantisation becomes about -2.2 to 2.2, which
    is that of a normalised photo, so that weights learnt on photos meet values of their size.
    """
    return flow.flatten(-4, -3).float().sub_(STILL).div_(255 * FLOW_STD)


def flip_frames(frames: Tensor) -> Tensor:
    """Mirror frames (..., H, W) left to right."""
    return frames.flip(-1)


def flip_flow(flow: Tensor) -> Tensor:
    """Mirror quantised flow (..., 2, H, W), uint8: what moved right now moves left."""
    mirrored = flow.flip(-1)
    x = (2 * STILL - mirrored[..., 0, :, :].to(torch.int16)).clamp_(0, 255).to(flow.dtype)
    return torch.stack([x, mirrored[..., 1, :, :]], -3)


def middle_fields(flow: Pixels, length: int) -> Pixels:
    """The `length` fields around each snippet's own frame: [K, L, 2, H, W] -> [K, length, ...].

    MlError where a snippet has fewer.
    """
    if flow.shape[1] < length:
        raise MlError(f"This model wants {length} flow fields a snippet, not {flow.shape[1]}.")
    first = (flow.shape[1] - length) // 2
    return flow[:, first : first + length]


def prepare(network: VideoNetwork, clips: Sequence[Sampled], device: str = "cpu") -> ClipBatch:
    """Put clips of the same K and size together; what the network does not read stays empty."""
    count, _, height, width, _ = clips[0].frames.shape
    rgb = torch.empty((len(clips), count, 0, height, width), device=device)
    flow, frames = rgb, None
    if network.whole_clip:
        chosen = spread(count, clips[0].frames.shape[1])
        frames = _photos(np.stack([clip.frames[:, chosen] for clip in clips]), device)
    elif "rgb" in network.streams:
        rgb = _photos(np.stack([clip.rgb for clip in clips]), device)
    if "flow" in network.streams:
        length = network.spec.flow_length
        fields = np.stack([middle_fields(clip.flow, length) for clip in clips])
        flow = normalise_flow(torch.from_numpy(fields).to(device))
        flat = flow.flatten(0, 1).contiguous(memory_format=torch.channels_last)
        flow = flat.unflatten(0, flow.shape[:2])  # type: ignore[no-untyped-call]
    return ClipBatch(rgb, flow, frames)


def _photos(pixels: Pixels, device: str) -> Tensor:
    """uint8 [..., H, W, 3] -> float32 (..., 3, H, W), by ImageNet's mean and deviation."""
    moved = torch.from_numpy(np.ascontiguousarray(pixels)).to(device).movedim(-1, -3)
    flat = normalise(moved.flatten(0, -4))
    return flat.unflatten(0, moved.shape[:-3])  # type: ignore[no-any-return, no-untyped-call]
