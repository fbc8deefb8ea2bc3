"""Clips of moving objects over a folder of labelled images: a new one of each image every epoch."""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ml.train.cpus import available_cpus
from ml.train.tasks.clips.data import as_tensors
from ml.train.tasks.clips.moving_objects import (
    MOVEMENTS,
    MovingClip,
    ground_of_photo,
    ground_of_tiles,
    moving_clip,
)
from ml.train.tasks.clips.reading import MotionSource, Pixels, read_image

AHEAD = 64  # clips that are drawn before they are asked for, under 60 MB


@dataclass(frozen=True)
class MovingSource(MotionSource):
    """Images as things that move, one movement an image and epoch, as `MotionSource` has it.

    Each moves over the tiles of another image, or, every second time, over one of `grounds`. A
    second thing is of the same class, so that the class of what moves is that of all things.
    """

    grounds: tuple[Path, ...] = ()
    epoch: int = 0

    def movements(self) -> list[int]:
        """Each image's movement in this epoch."""
        return self._movements

    @cached_property
    def _movements(self) -> list[int]:
        shuffled = np.random.default_rng([self.seed, 1, self.epoch]).permutation(len(self.files))
        movements: list[int] = (shuffled % len(MOVEMENTS)).tolist()
        return movements

    @cached_property
    def _alike(self) -> dict[int, list[int]]:
        """The images of each class."""
        alike: dict[int, list[int]] = {}
        for index, label in enumerate(self.appearances):
            alike.setdefault(label, []).append(index)
        return alike

    @cached_property
    def _others(self) -> str:
        """A hash of the names of all files, any of which may be a clip's ground."""
        names = "\n".join(f"{p.parent.name}/{p.name}" for p in (*self.files, *self.grounds))
        return hashlib.sha256(names.encode()).hexdigest()[:16]

    def __str__(self) -> str:
        """Return what is part of the names of stored files."""
        return f"moving objects {self._others} epoch {self.epoch} {super().__str__()}"

    def clip(self, index: int) -> MovingClip:
        """Draw a clip, with the boxes of its things; MlError names an image that is unreadable."""
        size, label = self.spec.size, self.appearances[index]
        rng = np.random.default_rng([self.seed, 2, self.epoch, index])
        ground = self._ground(rng)
        alike = self._alike[label]
        second = alike[rng.integers(len(alike))]
        return moving_clip(
            read_image(self.files[index]),
            MOVEMENTS[self.movements()[index]],
            ground,
            rng,
            second=read_image(self.files[second]) if second != index else None,
            frames=self.spec.length + 1,
            size=size,
        )

    def _ground(self, rng: np.random.Generator) -> Pixels:
        size = self.spec.size
        if self.grounds and rng.random() < 0.5:
            photo = self.grounds[rng.integers(len(self.grounds))]
            return ground_of_photo(read_image(photo), size)
        return ground_of_tiles(read_image(self.files[rng.integers(len(self.files))]), rng, size)

    def frames(self, index: int) -> Pixels:
        """The clip's frames."""
        return self.clip(index).frames


@dataclass(frozen=True)
class DrawnClips:
    """A training split that is drawn as it is read, and anew in every epoch; nothing is stored."""

    source: MovingSource
    classes: tuple[str, ...]
    snippets: int = 1

    @cached_property
    def labels(self) -> Tensor:
        """Each clip's class in the source's own epoch, int64 (N,)."""
        return torch.tensor(self.source.labels)

    @contextmanager
    def epoch(self, epoch: int, order: Sequence[int]) -> Iterator[ReadAhead]:
        """Draw an epoch's clips by as many threads as there are cores, in the order of reading."""
        source = replace(self.source, epoch=epoch)
        with ThreadPoolExecutor(available_cpus()) as pool:
            split = ReadAhead(source, pool, order)
            try:
                yield split
            finally:
                pool.shutdown(cancel_futures=True)


class ReadAhead:
    """An epoch's clips, of which the next few are drawn before they are asked for."""

    def __init__(
        self, source: MovingSource, pool: ThreadPoolExecutor, order: Sequence[int]
    ) -> None:
        self.labels = torch.tensor(source.labels)
        self._source, self._pool, self._coming = source, pool, iter(order)
        self._drawn: deque[tuple[int, Future[Pixels]]] = deque()
        for _ in range(AHEAD):
            self._draw_next()

    def _draw_next(self) -> None:
        index = next(self._coming, None)
        if index is not None:
            self._drawn.append((index, self._pool.submit(self._source.snippets, index)))

    def read(self, index: int, chosen: Sequence[int]) -> tuple[Tensor, Tensor]:
        """Return what `Clips.read` does; clips must be asked for in the order that was given."""
        expected, snippets = self._drawn.popleft()
        if index != expected:
            raise ValueError(f"clip {index} is read before clip {expected}")
        self._draw_next()
        return as_tensors(snippets.result()[list(chosen)])
