"""Folders under the allowed root, and the files in one; no link leads out of it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Literal

from app.core.errors import NotFound
from app.core.settings import Settings
from ml.layouts.names import Parts, clean, is_clip, is_image, is_os_metadata
from ml.layouts.words import split_words

DEPTH = 8  # of folders inside each other
SAMPLED = 50  # entries of a folder, to see if it holds images
LISTED = 200
NO_ROOT = (
    "This server has no folder with datasets: set SIGHTLINE_DATA to one, or upload an archive."
)


@dataclass(frozen=True, slots=True)
class Listing:
    """A file or folder; `path` is real, with all links followed."""

    parts: Parts
    kind: Literal["file", "folder", "link", "unnamed"]
    path: Path
    size: int


def allowed_root(settings: Settings) -> Path:
    """Return the folder that datasets may lie in; NotFound if there is none."""
    if settings.data is None or not settings.data.is_dir():
        raise NotFound(NO_ROOT)
    return settings.data.resolve()


def inside(root: Path, folder: str) -> Path:
    """Return a folder under the root; NotFound if there is none, or it lies outside."""
    try:
        path = (root / folder).resolve()
        is_inside = path != root and path.is_relative_to(root) and path.is_dir()
    except (OSError, ValueError):  # a name that no folder can have, such as one too long
        is_inside = False
    if not is_inside:
        raise NotFound("There is no such folder of images or clips: choose one from the list.")
    return path


def dataset_folders(settings: Settings) -> list[str]:
    """Return the folders, two deep at most, that have classes with images or clips."""
    if settings.data is None or not settings.data.is_dir():
        return []
    root = settings.data.resolve()
    names: list[str] = []
    for folder in _folders(root):
        if has_classes(folder):
            names.append(folder.name)
        else:
            names += [f"{folder.name}/{sub.name}" for sub in _folders(folder) if has_classes(sub)]
        if len(names) >= LISTED:
            break
    return names[:LISTED]


def has_classes(folder: Path) -> bool:
    """Return True if a folder has files in `train/CLASS/`, or in two `CLASS/`."""
    inner = {sub.name: sub for sub in _folders(folder)}
    trains = [inner[name] for name, word in split_words(inner).items() if word == "train"]
    for train in trains:
        if any(_has_examples(sub) for sub in islice(_folders(train), 3)):
            return True
    return sum(_has_examples(sub) for sub in islice(inner.values(), 6)) >= 2


def walk(top: Path, root: Path) -> Iterator[Listing]:
    """Yield all files and folders below `top` by name; what leads out of `root` is a "link"."""
    yield from _walk(top, (), root, frozenset({top}))


def _walk(folder: Path, parts: Parts, root: Path, above: frozenset[Path]) -> Iterator[Listing]:
    with os.scandir(folder) as listing:
        names = sorted(entry.name for entry in listing)
    for name in names:
        inner = (*parts, clean(os.fsencode(name).decode("utf-8", "replace")))
        if is_os_metadata(inner[-1:]):
            continue
        path = folder / name
        if not name.isprintable() and not _is_utf8(name):
            yield Listing(inner, "unnamed", path, 0)
            continue
        if path.is_symlink():
            path = path.resolve()
        if not path.is_relative_to(root) or path in above:
            yield Listing(inner, "link", folder / name, 0)
        elif path.is_dir():
            yield Listing(inner, "folder", path, 0)
            if len(inner) < DEPTH:
                yield from _walk(path, inner, root, above | {path})
        elif path.is_file():
            yield Listing(inner, "file", path, path.stat().st_size)
        else:
            yield Listing(inner, "link", path, 0)


def _is_utf8(name: str) -> bool:
    return not any("\ud800" <= letter <= "\udfff" for letter in name)


def _folders(folder: Path) -> list[Path]:
    try:
        with os.scandir(folder) as listing:
            inner = [entry.name for entry in listing if entry.is_dir()]
    except OSError:
        return []
    return [folder / name for name in sorted(inner) if not name.startswith(".")]


def _has_examples(folder: Path) -> bool:
    try:
        with os.scandir(folder) as listing:
            names = [(entry.name,) for entry in islice(listing, SAMPLED)]
            return any(is_image(name) or is_clip(name) for name in names)
    except OSError:
        return False
