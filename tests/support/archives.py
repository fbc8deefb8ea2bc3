"""Synthetic archives of every kind."""

from __future__ import annotations

import io
import tarfile
import zipfile
from collections.abc import Mapping

import numpy as np
from PIL import Image

from tests.support.encoding import encode

Files = dict[str, bytes]


def picture(seed: int, size: tuple[int, int] = (48, 32), kind: str = "JPEG") -> bytes:
    """A small picture, unique for each seed."""
    random = np.random.default_rng(seed)
    pixels = np.kron(random.integers(0, 256, (4, 4, 3)), np.ones((8, 8, 1))).astype(np.uint8)
    options = {"quality": 90} if kind == "JPEG" else {}
    return encode(Image.fromarray(pixels).resize(size), kind, **options)


def classes(
    *names: str, count: int = 10, top: str = "", seed: int = 0, ending: str = "jpg"
) -> Files:
    """`count` pictures in a folder for each class, all different."""
    return {
        f"{top}{name}/{n}.{ending}": picture(seed + 1000 * place + n)
        for place, name in enumerate(names)
        for n in range(count)
    }


def split(*names: str, train: int = 8, val: int = 4, top: str = "") -> Files:
    """The same with folders `train` and `val`."""
    return {
        **classes(*names, count=train, top=f"{top}train/"),
        **classes(*names, count=val, top=f"{top}val/", seed=500),
    }


def zip_of(files: Mapping[str, bytes], method: int = zipfile.ZIP_STORED) -> bytes:
    """A ZIP of these entries; a name that ends in a slash is a folder."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return file.getvalue()


def tar_of(files: Mapping[str, bytes], mode: str = "w") -> bytes:
    """A TAR of these entries; `mode` as for `tarfile.open`: w, w:gz, w:xz, w:bz2."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode=mode) as archive:  # type: ignore[call-overload]
        for name, data in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    return file.getvalue()
