"""The check's data as one file of some 20 MB, to be copied to a machine with a GPU."""

from __future__ import annotations

import tarfile
from collections.abc import Iterator
from pathlib import Path

from ml.train.spec import LabelledFiles
from ml.train.tasks.clips.data import list_clips
from ml.train.tasks.photos.data import list_folder

TRAIN, VAL, CLIPS = 2000, 500, 4


def pack(data: Path, target: Path, train: int = TRAIN, val: int = VAL, clips: int = CLIPS) -> None:
    """Write a tar file with a part of `imagenette160`, spread over the classes, and a few clips.

    Args:
        data: The folder that `SIGHTLINE_DATA` names.
        target: The file; it is not compressed, since its contents are.
        train: Images to train on.
        val: Images to validate on.
        clips: Clips, if the folder has `clips_fight`.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(target, "w") as tar:
        for path in _chosen(data, train, val, clips):
            tar.add(path, path.relative_to(data))


def _chosen(data: Path, train: int, val: int, clips: int) -> Iterator[Path]:
    images = data / "imagenette160"
    for split, count in (("train", train), ("val", val)):
        files: LabelledFiles = list_folder(images / split)[0]
        yield from files.spread(count).files
    folder = data / "clips_fight" / "val"
    if clips and folder.is_dir():
        yield from list_clips(folder)[0].spread(clips).files


def unpack(source: Path, folder: Path) -> Path:
    """Unpack the file into `folder`; return it."""
    with tarfile.open(source) as tar:
        tar.extractall(folder, filter="data")
    return folder
