"""Transparency and high dynamic range: from a decoded frame to what an ordinary screen shows."""

from __future__ import annotations

from functools import cache

import numpy as np
import numpy.typing as npt
from av.video.frame import VideoFrame

Floats = npt.NDArray[np.float32]

PQ, HLG = 16, 18  # FFmpeg's numbers of transfer functions
HDR = {PQ: "PQ", HLG: "HLG"}
WHITE_NITS = 203.0  # of a white sheet (ITU-R BT.2408)
HLG_PEAK_NITS = 1000.0
KNEE = 0.5  # share of white up to which light is left as it is
BRIGHTEST = 12.0  # shares of white that are still told apart
LEVELS = 4096
TO_BT709 = np.array(  # linear light, from BT.2020's primaries (ITU-R BT.2087)
    [[1.6605, -0.5876, -0.0728], [-0.1246, 1.1329, -0.0083], [-0.0182, -0.1006, 1.1187]],
    np.float32,
)
LUMA = np.array([0.2627, 0.678, 0.0593], np.float32)


def has_alpha(frame: VideoFrame) -> bool:
    """Return true if the frame's format can hold transparency."""
    return frame.format.name == "pal8" or any(part.is_alpha for part in frame.format.components)


def over_white(rgba: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Return uint8 [h, w, 4] over white, as photos are shown, [h, w, 3]."""
    alpha = rgba[..., 3:].astype(np.uint16)
    mixed = rgba[..., :3] * alpha + 255 * (255 - alpha)
    return ((mixed + 127) // 255).astype(np.uint8)


def for_screen(pixels: npt.NDArray[np.uint8], transfer: int) -> npt.NDArray[np.uint8]:
    """Map HDR pixels, uint8 [h, w, 3] with BT.2020's colours, to an ordinary screen's."""
    light = _light(transfer)[pixels.reshape(-1, 3)]
    if transfer == HLG:
        gain = (light @ LUMA) ** np.float32(0.2) * np.float32(HLG_PEAK_NITS / WHITE_NITS)
        light *= gain[:, None]
    light = (light @ TO_BT709.T).clip(0, BRIGHTEST)
    level = np.sqrt(light) * np.float32((LEVELS - 1) / BRIGHTEST**0.5)
    shown: npt.NDArray[np.uint8] = _shown()[level.astype(np.uint16)].reshape(pixels.shape)
    return shown


@cache
def _light(transfer: int) -> Floats:
    """Return the linear light of each code, float32 [256].

    PQ's is in shares of white (SMPTE ST 2084); HLG's is the scene's, 0..1 (ITU-R BT.2100).
    """
    code = np.arange(256) / 255
    if transfer == PQ:
        root = code ** (1 / 78.84375)
        share = (root - 0.8359375).clip(0) / (18.8515625 - 18.6875 * root)
        light = 10_000 / WHITE_NITS * share ** (1 / 0.1593017578125)
    else:
        a, b, c = 0.17883277, 0.28466892, 0.55991073
        light = np.where(code <= 0.5, code**2 / 3, (np.exp((code - c) / a) + b) / 12)
    return light.astype(np.float32)


@cache
def _shown() -> npt.NDArray[np.uint8]:
    """Return the sRGB value of light, uint8 [LEVELS], evenly spaced in its root.

    What is brighter than the knee is bent towards 1.
    """
    light = BRIGHTEST * np.linspace(0, 1, LEVELS) ** 2
    bent = KNEE + (1 - KNEE) * (1 - np.exp(-(light - KNEE) / (1 - KNEE)))
    light = np.where(light > KNEE, bent, light)
    bright = 1.055 * np.maximum(light, 0.0031308) ** (1 / 2.4) - 0.055
    value = np.where(light <= 0.0031308, 12.92 * light, bright)
    return (255 * value + 0.5).astype(np.uint8)
