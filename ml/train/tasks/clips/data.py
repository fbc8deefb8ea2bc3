"""Labelled clips, read once and kept as bytes: one file each, so that reading can be resumed."""

from __future__ import annotations

import hashlib
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ml.errors import MlError
from ml.files import replacing
from ml.layouts.names import CLIP_ENDINGS
from ml.train.cpus import available_cpus
from ml.train.data_folder import DataFolder, read_folder
from ml.train.spec import LabelledFiles
from ml.train.tasks.clips.reading import Pixels, Source

SUFFIXES = CLIP_ENDINGS | {".gif"}


@dataclass(frozen=True)
class Clips:
    """A split: the file of each clip's snippets, labels int64 (N,), class names, original files.

    snippets: how many are stored of each clip.
    """

    arrays: tuple[Path, ...]
    labels: Tensor
    classes: tuple[str, ...]
    files: tuple[Path, ...]
    snippets: int

    def read(self, index: int, chosen: Sequence[int]) -> tuple[Tensor, Tensor]:
        """Read some snippets of a clip: frames uint8 (k, 3, S, S), flow uint8 (k, L, 2, S, S).

        Raises:
            MlError: The cache was emptied under the run.
        """
        try:
            return as_tensors(np.load(self.arrays[index], mmap_mode="r")[list(chosen)])
        except (OSError, ValueError, EOFError) as error:
            raise MlError(
                f"The snippets of {self.files[index].name} are gone from the cache. Resume the "
                "run: they are read again."
            ) from error

    @contextmanager
    def epoch(self, epoch: int, order: Sequence[int]) -> Iterator[Clips]:  # noqa: ARG002
        """Yield the split as an epoch reads it: as it is."""
        yield self


def as_tensors(snippets: Pixels) -> tuple[Tensor, Tensor]:
    """Snippets [k, 3 + 2L, S, S] as frames (k, 3, S, S) and flow (k, L, 2, S, S), uint8."""
    both = torch.from_numpy(snippets)
    fields: Tensor = both[:, 3:].unflatten(1, (-1, 2))  # type: ignore[no-untyped-call]
    return both[:, :3], fields


def list_clips(folder: Path) -> tuple[LabelledFiles, tuple[str, ...]]:
    """List `folder/CLASS/*`, by name, and the classes; MlError if there are no clips."""
    files, names = LabelledFiles.listed(folder, SUFFIXES, "clips")
    return files, tuple(names)


def read_clips(folder: Path) -> DataFolder:
    """Read a whole dataset of clips, with its splits; MlError if it cannot be trained on."""
    return read_folder(folder, SUFFIXES, "clips")


def thinned(files: LabelledFiles, most: int) -> LabelledFiles:
    """Return `most` files, evenly spread and so in every class's proportion; all if it is 0."""
    if not 0 < most < len(files.files):
        return files
    chosen = np.linspace(0, len(files.files) - 1, most).round().astype(int)
    return LabelledFiles(
        tuple(files.files[i] for i in chosen), tuple(files.labels[i] for i in chosen)
    )


def load(
    source: Source, classes: tuple[str, ...], folder: Path, fingerprint: str = ""
) -> Generator[float, None, Clips]:
    """Read what is not in `folder` yet; yield the share done (0..1), return the split.

    fingerprint: of the dataset; with names and sizes part of every clip's key.
    """
    folder.mkdir(parents=True, exist_ok=True)
    count = len(source.labels)
    arrays = [folder / f"clip-{_key(source, i, fingerprint)}.npy" for i in range(count)]
    missing = [i for i in range(count) if not arrays[i].is_file()]
    done = count - len(missing)
    for _ in _made(source, missing, arrays):
        done += 1
        yield done / count
    snippets = len(np.load(arrays[0], mmap_mode="r"))
    files = tuple(source.file(i) for i in range(count))
    return Clips(tuple(arrays), torch.tensor(source.labels), classes, files, snippets)


def _key(source: Source, index: int, fingerprint: str) -> str:
    facts = f"{source.facts(index)}\n{fingerprint}"
    return hashlib.sha256(facts.encode()).hexdigest()[:24]


def _made(source: Source, missing: Sequence[int], arrays: Sequence[Path]) -> Iterator[None]:
    """Read clips by as many threads as there are cores; each file is there whole or not at all."""

    def make(index: int) -> None:
        _write(arrays[index], source.snippets(index))

    with ThreadPoolExecutor(available_cpus()) as pool:  # decoding and flow let go of the lock
        waiting = [pool.submit(make, index) for index in missing]
        try:
            for job in waiting:
                job.result()
                yield
        finally:
            for job in waiting:
                job.cancel()


def _write(path: Path, snippets: Pixels) -> None:
    with replacing(path, flush=False) as part, part.open("wb") as file:
        np.save(file, snippets)
