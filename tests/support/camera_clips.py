"""Small clips of a camera moving over textures, as files and as training caches them."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import torch

from ml.train.tasks.clips.camera_motion import motion_clip, write_clip
from ml.train.tasks.clips.config import ClipConfig
from ml.train.tasks.clips.data import Clips

WAYS = ("pan left", "pan right")
QUICK = ClipConfig(
    epochs=2,
    batch_size=4,
    size=64,
    eval_size=64,
    start="scratch",
    frozen_blocks=0,
    segments=2,
    test_segments=2,
    snippets=4,
    flow_length=2,
)


def texture(seed: int, side: int = 160) -> np.ndarray:
    coarse = np.random.default_rng(seed).integers(0, 255, (side // 6, side // 6, 3), np.uint8)
    return cv2.resize(coarse, (side, side), interpolation=cv2.INTER_CUBIC)


def folder(root: Path, train: int = 3, val: int = 1, size: int = 96) -> Path:
    """train/ and val/ with a folder of MP4s for each way."""
    for split, count, offset in (("train", train, 0), ("val", val, 500)):
        for label, way in enumerate(WAYS):
            (root / split / way).mkdir(parents=True)
            for i in range(count):
                seed = offset + 2 * i + label
                rng = np.random.default_rng(seed)
                frames = motion_clip(texture(seed), way, rng, frames=16, size=size)
                write_clip(root / split / way / f"{i}.mp4", frames)
    return root


def kept(root: Path, count: int = 12, config: ClipConfig = QUICK) -> Clips:
    """Clips of noise as a run caches them: the second class is brighter and moves faster."""
    root.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(7)
    shape = (config.snippets, 3 + 2 * config.flow_length, config.size_kept, config.size_kept)
    paths = []
    for i in range(count):
        pixels = rng.integers(0, 200, shape, dtype=np.uint8)
        pixels[:, 3:] = 128 + pixels[:, 3:] // 8 + 20 * (i % 2)
        pixels[:, :3] += 50 * (i % 2)
        paths.append(root / f"{i}.npy")
        np.save(paths[-1], pixels)
    labels = torch.arange(count) % 2
    return Clips(tuple(paths), labels, WAYS, tuple(paths), config.snippets)
