"""Choosing and cropping the snippets of a clip that a step sees: functions of a seed."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from ml.networks.video.inputs import flip_flow, flip_frames

SCALES = (1.0, 0.875, 0.75, 0.66)  # TSN's, of the shorter side; width and height a step apart
PLACES = ((0.0, 0.0), (0.0, 1.0), (1.0, 0.0), (1.0, 1.0), (0.5, 0.5))  # the corners, the centre
JITTER = 0.4


def segments(count: int, stored: int, generator: torch.Generator) -> list[int]:
    """Return a random stored snippet of each of `count` parts of the clip, in order."""
    draws = torch.rand(count, generator=generator).tolist()
    edges = [round(i * stored / count) for i in range(count + 1)]
    return [
        min(low + int(u * (high - low)), high - 1)
        for u, low, high in zip(draws, edges, edges[1:], strict=False)
    ]


def centred(count: int, stored: int) -> list[int]:
    """Return the snippet in the middle of each of `count` parts."""
    return [int((i + 0.5) * stored / count) for i in range(count)]


def views(
    rgb: Tensor,
    flow: Tensor,
    size: int,
    strength: float,
    generator: torch.Generator,
    *,
    flip: bool = True,
    whole: bool = False,
) -> tuple[Tensor, Tensor]:
    """Crop, mirror and resize all snippets of a clip alike; frames also change their colours.

    rgb: uint8 (k, 3, S, S), flow: uint8 (k, L, 2, S, S), any number of either. Strength 0 only
    resizes; with `whole` nothing is cut off. What moves keeps its speed in pixels; mirrored,
    it moves the other way.
    """
    u = torch.rand(7, generator=generator).tolist()
    side = rgb.shape[-1]
    high = int(u[0] * len(SCALES))
    wide = min(max(high + int(u[1] * 3) - 1, 0), len(SCALES) - 1)
    cut = 0.0 if whole else strength
    height, width = (int(side * (1 - cut * (1 - SCALES[i]))) for i in (high, wide))
    place = PLACES[int(u[2] * len(PLACES))]
    top, left = int(place[0] * (side - height)), int(place[1] * (side - width))
    crop = (..., slice(top, top + height), slice(left, left + width))
    rgb, flow = resized(rgb[crop], size), resized(flow[crop], size)
    if flip and strength > 0 and u[3] < 0.5:
        rgb, flow = flip_frames(rgb), flip_flow(flow)
    return _coloured(rgb, strength, u[4], u[5]), flow


def resized(pixels: Tensor, size: int) -> Tensor:
    """uint8 (..., H, W) -> uint8 (..., size, size), antialiased."""
    if pixels.shape[-2:] == (size, size):
        return pixels
    flat = pixels.flatten(0, -4) if pixels.ndim > 4 else pixels
    small = F.interpolate(flat, (size, size), mode="bilinear", antialias=True)
    return small.reshape(*pixels.shape[:-2], size, size)


def _coloured(frames: Tensor, strength: float, contrast: float, brightness: float) -> Tensor:
    if not strength or not len(frames):
        return frames
    out = frames.float()
    mean = out.mean((1, 2, 3), keepdim=True)
    out = (out - mean) * (1 + JITTER * strength * (contrast - 0.5))
    out += mean * (1 + JITTER * strength * (brightness - 0.5))
    return out.clamp_(0, 255).to(torch.uint8)
