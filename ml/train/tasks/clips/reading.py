"""From a clip, or an image that a camera moves over, to the snippets that a run keeps of it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt

from ml.errors import MlError
from ml.media import flow
from ml.media.clip import read
from ml.media.photo import READING, load_rgb
from ml.networks.video.sampling import snippets
from ml.train.tasks.clips.camera_motion import (
    MOVEMENTS,
    NOISE,
    SHAKE,
    SLOWEST,
    draw,
    motion_clip,
)

Pixels = npt.NDArray[np.uint8]


class Source(Protocol):
    """A split's clips by number."""

    @property
    def labels(self) -> tuple[int, ...]:
        """Each clip's class."""
        ...

    def file(self, index: int) -> Path:
        """The file that a clip is made of."""
        ...

    def facts(self, index: int) -> str:
        """Return all that decides what `snippets` returns: part of the names of stored files."""
        ...

    def snippets(self, index: int) -> Pixels:
        """uint8 [P, 3 + 2L, S, S]: of each snippet its frame, then its flow x1 y1 x2 y2 ..."""
        ...


@dataclass(frozen=True)
class SnippetSpec:
    """What is stored of a clip: number and side of snippets, number and method of flow fields."""

    snippets: int
    size: int
    length: int
    flow: str

    def __str__(self) -> str:
        """Return what is part of the names of stored files; another text would orphan them."""
        return (
            f"Kept(snippets={self.snippets}, size={self.size}, length={self.length}, "
            f"flow={self.flow!r})"
        )


@dataclass(frozen=True)
class ClipSource:
    """Clips in files, sampled as in use: each part's middle snippet."""

    files: tuple[Path, ...]
    labels: tuple[int, ...]
    spec: SnippetSpec

    def file(self, index: int) -> Path:
        """The clip."""
        return self.files[index]

    def facts(self, index: int) -> str:
        """Its class's folder, name and size."""
        path = self.files[index]
        return f"{path.parent.name}/{path.name} {path.stat().st_size} {self.spec}"

    def snippets(self, index: int) -> Pixels:
        """Decode and find the flow; MlError names a clip that cannot be read."""
        path, spec = self.files[index], self.spec
        try:
            chosen = snippets(read.times(path).tolist(), spec.snippets, spec.length + 1)
            wanted = sorted({number for snippet in chosen for number in snippet})
            frames = dict(zip(wanted, read.frames(path, wanted, spec.size), strict=True))
        except MlError as error:
            raise MlError(f"{path.name} cannot be read. {error.detail}") from error
        return np.stack([stacked(np.stack([frames[n] for n in s]), spec.flow) for s in chosen])


@dataclass(frozen=True)
class MotionSource:
    """A camera moving over images: one movement an image, in a random order that `seed` decides.

    labels: the pairs of image class and movement, counted as `camera_motion.pair_index` does.
    handheld: the share of clips that shake, have noise, and may move at a quarter of the speed.
    """

    files: tuple[Path, ...]
    appearances: tuple[int, ...]
    spec: SnippetSpec
    seed: int
    handheld: float = 0.0

    @property
    def labels(self) -> tuple[int, ...]:
        """Each clip's pair."""
        pairs = zip(self.appearances, self.movements(), strict=True)
        return tuple(a * len(MOVEMENTS) + m for a, m in pairs)

    def movements(self) -> list[int]:
        """Each image's movement: every one equally often, whatever the image's class."""
        shuffled = np.random.default_rng([self.seed, 1]).permutation(len(self.files))
        movements: list[int] = (shuffled % len(MOVEMENTS)).tolist()
        return movements

    def file(self, index: int) -> Path:
        """The image."""
        return self.files[index]

    def facts(self, index: int) -> str:
        """Its class's folder, name and size, the movement and the seed."""
        path, movement = self.files[index], MOVEMENTS[self.movements()[index]]
        name = f"{path.parent.name}/{path.name} {READING}"
        return f"{name} {path.stat().st_size} {movement} {self}"

    def __str__(self) -> str:
        return f"seed {self.seed} {self.spec}" + (f" hand {self.handheld}" * bool(self.handheld))

    def snippets(self, index: int) -> Pixels:
        """Draw the frames and find the flow; MlError names an image that cannot be read."""
        return stacked(self.frames(index), self.spec.flow)[None]

    def frames(self, index: int) -> Pixels:
        """Draw the frames alone, uint8 [L + 1, S, S, 3]."""
        image, spec = read_image(self.files[index]), self.spec
        rng = np.random.default_rng([self.seed, 2, index])
        hand = np.random.default_rng([self.seed, 3, index])
        held = hand.random() < self.handheld
        movement = draw(MOVEMENTS[self.movements()[index]], rng, SLOWEST if held else 1.0)
        shake, noise = (hand.uniform(0, most) if held else 0.0 for most in (SHAKE, NOISE))
        return motion_clip(
            image, movement, rng, frames=spec.length + 1, size=spec.size, shake=shake, noise=noise
        )


def read_image(path: Path) -> Pixels:
    """Return an image, uint8 [H, W, 3]; MlError names one that cannot be read."""
    try:
        return np.asarray(load_rgb(path))
    except MlError as error:
        raise MlError(f"{path.name} cannot be read. {error.detail}") from error


def stacked(frames: Pixels, method: str) -> Pixels:
    """[L + 1, S, S, 3] -> uint8 [3 + 2L, S, S]: the middle frame, and the flow between all."""
    middle = frames[(len(frames) - 1) // 2].transpose(2, 0, 1)
    fields = flow.stack(frames, method)
    return np.concatenate([middle, fields.reshape(-1, *middle.shape[1:])])
