"""Labelled images, decoded once and kept as bytes; batches and augmentation on tensors."""

from __future__ import annotations

import hashlib
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from ml.layouts.names import IMAGE_ENDINGS
from ml.layouts.synsets import SYNSETS
from ml.media.photo import READING
from ml.train.data_folder import DataFolder, read_folder
from ml.train.generators import result_of
from ml.train.ordering import shuffled
from ml.train.spec import LabelledFiles
from ml.train.tasks.photos.decoding import decoded

SUFFIXES = IMAGE_ENDINGS


@dataclass(frozen=True)
class Images:
    """A decoded split: images uint8 (N, 3, S, S), labels int64 (N,), class names, file names.

    key: what stands for the content in names of caches; made from the pixels if it is empty.
    """

    images: Tensor
    labels: Tensor
    classes: tuple[str, ...]
    files: tuple[Path, ...]
    key: str = ""

    def identity(self) -> str:
        """`key`, or a hash of the pixels."""
        return self.key or hashlib.sha256(self.images.numpy().data).hexdigest()


def list_folder(folder: Path) -> tuple[LabelledFiles, tuple[str, ...]]:
    """List `folder/CLASS/*`, by name, and the classes; MlError if there are no images."""
    files, names = LabelledFiles.listed(folder, SUFFIXES, "images")
    return files, tuple(SYNSETS.get(name, name) for name in names)


def read_images(folder: Path) -> DataFolder:
    """Read a whole dataset of images, with its splits; MlError if it cannot be trained on."""
    return read_folder(folder, SUFFIXES, "images", SYNSETS)


def load_folder(folder: Path, size: int, cache: Path | None = None) -> Images:
    """Decode `folder/CLASS/*` squashed to `size` pixels, or read it back from `cache`.

    MlError when the folder has no classes with images, or one cannot be read.
    """
    files, classes = list_folder(folder)
    return result_of(load(files, classes, size, cache))


def load(
    files: LabelledFiles,
    classes: tuple[str, ...],
    size: int,
    cache: Path | None,
    fingerprint: str = "",
) -> Generator[float, None, Images]:
    """Decode a split squashed to `size` pixels; yield the share done (0..1), return the images.

    fingerprint: of the dataset; with names and file sizes part of the cache's key.
    """
    known = f"{size} {READING}\n{fingerprint}\n{files.facts()}"
    key = hashlib.sha256(known.encode()).hexdigest()[:24]
    stored = cache / f"images-{key}.npy" if cache else None
    images = yield from decoded(files.files, size, stored)
    return Images(images, torch.tensor(files.labels), classes, files.files, key)


def batches(data: Images, size: int, seed: int, epoch: int, start: int = 0) -> Iterator[Tensor]:
    """Yield shuffled index batches from batch `start` on; the last incomplete one is dropped."""
    indices = shuffled(len(data.labels), seed, epoch)
    for first in range(start * size, len(indices) - size + 1, size):
        yield indices[first : first + size]


def augment(
    images: Tensor,
    size: int,
    seed: int,
    strength: float = 1.0,
    share: tuple[slice, int] | None = None,
) -> Tensor:
    """Random resized crop, flip and colour jitter of a batch, drawn from the seed.

    uint8 (B, 3, S, S) -> float32 in 0..255 (B, 3, size, size). Strength 0 only resizes. Crops
    cover 35 to 100 % of the image, with sides in a ratio of 3:4 to 4:3 (Szegedy et al. 2015).
    share: which part of how large a batch these images are; they look as they do in the whole.
    """
    count = len(images)
    part, whole = share or (slice(None), count)
    draws = torch.rand((7, whole), generator=torch.Generator().manual_seed(seed))
    u = draws[:, part].to(images.device)
    area = 1 - 0.65 * strength * u[0]
    ratio = torch.exp((2 * u[1] - 1) * strength * float(np.log(4 / 3)))
    width, height = (area * ratio).sqrt().clamp(max=1), (area / ratio).sqrt().clamp(max=1)
    theta = torch.zeros(count, 2, 3, device=images.device)
    flip = torch.where((u[4] < 0.5) & (strength > 0), -1.0, 1.0)
    theta[:, 0, 0], theta[:, 0, 2] = width * flip, (2 * u[2] - 1) * (1 - width)
    theta[:, 1, 1], theta[:, 1, 2] = height, (2 * u[3] - 1) * (1 - height)
    grid = F.affine_grid(theta, [count, 3, size, size], align_corners=False)
    out = F.grid_sample(images.float(), grid, padding_mode="border", align_corners=False)
    contrast = 1 + 0.4 * strength * (u[5] - 0.5)
    brightness = 1 + 0.4 * strength * (u[6] - 0.5)
    mean = out.mean((1, 2, 3), keepdim=True)
    out = (out - mean) * contrast.view(-1, 1, 1, 1) + mean * brightness.view(-1, 1, 1, 1)
    return out.clamp_(0, 255)
