"""Small synthetic clips."""

from __future__ import annotations

import numpy as np

from tests.support.encoding import mp4


def clip_bytes(
    seed: int, move: tuple[int, int] = (1, 0), frames: int = 16, side: int = 64
) -> bytes:
    """An MP4 of a texture, unique for each seed, shifted by `move` px per frame (x, y)."""
    coarse = np.random.default_rng(seed).integers(0, 256, (16, 16, 3), dtype=np.uint8)
    texture = np.kron(coarse, np.ones((16, 16, 1), np.uint8))
    corners = [np.array([96, 96]) - n * np.array(move) for n in range(frames)]
    views = (texture[y : y + side, x : x + side] for x, y in corners)
    return mp4(views, 10, "mpeg4", bits=2_000_000)


def clip_classes(
    count: int = 4, top: str = "", seed: int = 0, frames: int = 16
) -> dict[str, bytes]:
    """Clips of two classes that only motion tells apart: `left` and `right`."""
    return {
        f"{top}{name}/{n}.mp4": clip_bytes(seed + 100 * (dx < 0) + n, (dx, 0), frames)
        for name, dx in (("left", -3), ("right", 3))
        for n in range(count)
    }
