"""Frozen leading blocks give the same features for every model of a study: computed once, kept.

Runs with the same data, seed and augmentation see the same views of each image, epoch by epoch, so
six runs can share what the frozen blocks make of them.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from ml.files import replacing
from ml.networks.weights import normalise
from ml.train.config import TrainConfig
from ml.train.ranks import ALONE, Ranks
from ml.train.tasks.photos.data import Images, augment, batches
from ml.train.tasks.photos.placed import placed

EVAL_BATCH = 32
RESERVE = 2 * 2**30  # bytes of disk that are left free: features can be computed again


class FrozenFeatureCache:
    """Computes what the first `frozen_blocks` blocks make of images, once if there is a folder."""

    def __init__(
        self,
        blocks: nn.Sequential,
        config: TrainConfig,
        cache: Path | None,
        ranks: Ranks = ALONE,
    ) -> None:
        self._blocks = blocks.eval()
        self._config = config
        self._cache = cache if config.frozen_blocks else None
        self._ranks = ranks
        self._contents: dict[int, str] = {}
        digest = hashlib.sha256()
        for tensor in blocks.state_dict().values():
            digest.update(tensor.cpu().numpy().tobytes())
        self._weights = digest.hexdigest()

    @torch.no_grad()
    def _features(self, images: Tensor) -> Tensor:
        features: Tensor = self._blocks(normalise(images))
        return features

    def train_batches(
        self, data: Images, epoch: int, start: int, device: torch.device
    ) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield (features, labels) of the epoch's shuffled, augmented batches from `start` on.

        Each rank gets its share of every batch.
        """
        c, ranks = self._config, self._ranks
        share = ranks.share(c.batch_size)
        part = f" {ranks.rank}/{ranks.size}" if ranks.size > 1 else ""
        look = f"{c.augmentation} placed {c.placed}" if c.placed else f"{c.augmentation}"
        stored = self._open(f"{c.seed} {epoch} {c.size} {c.batch_size} {look}{part}", data)
        for i, index in enumerate(batches(data, c.batch_size, c.seed, epoch, start), start):
            mine = index[share]
            labels = data.labels[mine].to(device)
            features = stored.read(i) if stored else None
            if features is None:
                seed = (c.seed * 1_000_003 + epoch) * 1_000_003 + i
                images = data.images[mine].to(device)
                views = augment(images, c.size, seed, c.augmentation, (share, c.batch_size))
                if c.placed:
                    views = placed(views, data, index, seed, c.placed, share)
                features = self._features(views)
                if stored is not None:
                    features = stored.write(i, features)
            yield features.to(device), labels

    def eval_batches(
        self, data: Images, device: torch.device
    ) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
        """Yield (indices, features, labels) of the split in order, resized to `eval_size`.

        Each rank gets every `ranks.size`-th batch.
        """
        size = self._config.eval_size
        stored = self._open(f"eval {size}", data)
        for i, index in enumerate(torch.split(torch.arange(len(data.labels)), EVAL_BATCH)):
            if i % self._ranks.size != self._ranks.rank:
                continue
            features = stored.read(i) if stored else None
            if features is None:
                images = data.images[index].to(device)
                features = self._features(augment(images, size, 0, strength=0))
                if stored is not None:
                    features = stored.write(i, features)
            yield index, features.to(device), data.labels[index].to(device)

    def _open(self, facts: str, data: Images) -> _FeatureFiles | None:
        if self._cache is None:
            return None
        if id(data) not in self._contents:
            self._contents[id(data)] = data.identity()
        known = f"{facts} {self._contents[id(data)]} {self._weights}"
        key = hashlib.sha256(known.encode()).hexdigest()[:16]
        return _FeatureFiles(self._cache / f"features-{key}")


class _FeatureFiles:
    """One float16 file for each batch, renamed into place when whole; few if the disk is full."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self._room = shutil.disk_usage(folder).free > RESERVE

    def read(self, i: int) -> Tensor | None:
        path = self._folder / f"{i}.npy"
        if not path.is_file():
            return None
        try:
            return _widened(torch.from_numpy(np.load(path)))
        except (ValueError, EOFError):  # cut off when the machine went down
            return None

    def write(self, i: int, features: Tensor) -> Tensor:
        """Keep the features if there is room; return what reading them will give, in float16."""
        half = features.half().cpu()
        if self._room:
            path = self._folder / f"{i}.npy"
            try:
                with replacing(path, flush=False) as part, part.open("wb") as file:
                    np.save(file, half.contiguous().numpy())
            except OSError:
                self._room = False
        return _widened(half)


def _widened(half: Tensor) -> Tensor:
    return half.float().contiguous(memory_format=torch.channels_last)
