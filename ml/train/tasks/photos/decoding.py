"""Image files to one array of squares: decoded by threads, once, and then read from the disk."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from ml.errors import MlError
from ml.files import replacing
from ml.media.photo import load_rgb, squash
from ml.train.cpus import available_cpus

Pixels = npt.NDArray[np.uint8]
CHUNK = 256  # images between two reports


def decoded(
    files: Sequence[Path], size: int, stored: Path | None
) -> Generator[float, None, Tensor]:
    """Yield the share done (0..1) and return uint8 (N, 3, size, size), in the files' order.

    With `stored`, the array is written to that file and mapped into memory, so that runs with the
    same images share its pages. MlError names a file that cannot be read.
    """
    shape = (len(files), 3, size, size)
    if stored is None:
        array = np.empty(shape, np.uint8)
        done = 0
        for chunk in _chunks(files, size):
            array[done : done + len(chunk)] = chunk
            done += len(chunk)
            yield done / len(files)
        return torch.from_numpy(array)
    mapped = _mapped(stored, shape)
    if mapped is None:
        yield from _write(files, size, stored, shape)
        mapped = _mapped(stored, shape)
        assert mapped is not None
    return mapped


def _mapped(stored: Path, shape: tuple[int, ...]) -> Tensor | None:
    if not stored.is_file():
        return None
    try:
        array = np.load(stored, mmap_mode="c")
    except (ValueError, EOFError):  # cut off when the machine went down
        return None
    return torch.from_numpy(array) if array.shape == shape else None


def _write(
    files: Sequence[Path], size: int, stored: Path, shape: tuple[int, ...]
) -> Iterator[float]:
    """Write an NPY file piece by piece; a full disk is an OSError, and leaves nothing."""
    done = 0
    with replacing(stored, flush=False) as part, part.open("wb") as file:
        header = {"descr": "|u1", "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(file, header)
        for chunk in _chunks(files, size):
            file.write(chunk.data)
            done += len(chunk)
            yield done / len(files)


def _chunks(files: Sequence[Path], size: int) -> Iterator[Pixels]:
    with ThreadPoolExecutor(available_cpus()) as pool:  # Pillow lets go of the lock while it works
        for first in range(0, len(files), CHUNK):
            chunk = files[first : first + CHUNK]
            squares = list(pool.map(lambda path: decode(path, size), chunk))
            yield np.ascontiguousarray(np.stack(squares))


def decode(path: Path, size: int) -> Pixels:
    """Return a photo as shown, squashed to uint8 (3, size, size); MlError names a broken one."""
    try:
        return squash(load_rgb(path, side=2 * size), size).transpose(2, 0, 1)
    except MlError as error:
        raise MlError(f"{path.name} cannot be read. {error.detail}") from error
