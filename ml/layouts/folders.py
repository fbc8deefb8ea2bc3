"""Walks a folder of the command line's, as the server walks its own."""

from __future__ import annotations

import os
from collections.abc import Collection
from pathlib import Path

from ml.layouts.names import Parts, clean, ending, is_os_metadata


def examples(top: Path, endings: Collection[str]) -> dict[Parts, Path]:
    """Return the files below a folder with these endings, by their cleaned names in order.

    Links are followed, but never into a folder that they lie in.
    """
    found: dict[Parts, Path] = {}
    _walk(top, (), frozenset({top.resolve()}), endings, found)
    return found


def _walk(
    folder: Path,
    parts: Parts,
    above: frozenset[Path],
    endings: Collection[str],
    found: dict[Parts, Path],
) -> None:
    for path in sorted(folder.iterdir()):
        inner = (*parts, clean(os.fsencode(path.name).decode("utf-8", "replace")))
        if is_os_metadata(inner[-1:]):
            continue
        if path.is_dir():
            real = path.resolve()
            if real not in above:
                _walk(path, inner, above | {real}, endings, found)
        elif ending(inner) in endings and path.is_file():
            found[inner] = path
