"""What a run is given: its configuration, its data, and where it writes."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from ml.errors import MlError
from ml.layouts.folders import examples
from ml.layouts.read import read_layout
from ml.train.config import TrainConfig


@dataclass(frozen=True)
class LabelledFiles:
    """Image or clip files and the class index of each."""

    files: tuple[Path, ...]
    labels: tuple[int, ...]

    def __post_init__(self) -> None:
        """Raise ValueError if they differ in length."""
        if len(self.files) != len(self.labels):
            raise ValueError(f"{len(self.files)} files, {len(self.labels)} labels")

    @classmethod
    def listed(cls, folder: Path, suffixes: Collection[str], what: str) -> tuple[Self, list[str]]:
        """List `folder/CLASS/*` by name.

        Args:
            folder: Of a split, with a folder for each class; `ml.layouts` reads it.
            suffixes: Of the files that count, in lower case.
            what: `images` or `clips`, for the sentence.

        Returns:
            The files, and the names of the classes' folders.

        Raises:
            MlError: There are none, or the folders can be read in several ways.
        """
        found = examples(folder, suffixes) if folder.is_dir() else {}
        layout = read_layout(found)
        if layout.question:
            raise MlError(layout.question)
        placed = [(path, layout.place(parts)) for parts, path in found.items()]
        names = sorted({group.label for _, group in placed if group.use})
        if not names:
            raise MlError(
                f"No {what} in {folder}. Expected one folder for each class, with {what}."
            )
        used = sorted(
            (names.index(group.label), path.parent.name, path.name, path)
            for path, group in placed
            if group.use
        )
        files, labels = tuple(path for *_, path in used), tuple(label for label, *_ in used)
        return cls(files, labels), names

    def facts(self) -> str:
        """Return names, sizes and labels, equal for lists of the same content.

        Raises:
            OSError: A file is gone.
        """
        pairs = zip(self.files, self.labels, strict=True)
        return "\n".join(f"{p.parent.name}/{p.name} {p.stat().st_size} {n}" for p, n in pairs)

    def spread(self, most: int) -> LabelledFiles:
        """Return at most `most` files, evenly spread over the list."""
        count = min(len(self.files), most)
        chosen = [len(self.files) * i // count for i in range(count)]
        return LabelledFiles(
            tuple(self.files[i] for i in chosen), tuple(self.labels[i] for i in chosen)
        )


@dataclass(frozen=True)
class RunSpec:
    """A run: its configuration, its data, and where it keeps its files.

    Attributes:
        config: The settings.
        classes: Class names, in the order of the labels.
        train: The training split.
        val: The validation split.
        folder: The run's own folder, for its state and its checkpoint.
        cache: Folder of decoded files and features of frozen blocks, shared by runs; None keeps
            nothing, or in `folder` what a run cannot do without.
        data_name: The data's name, for the model card.
        data_fingerprint: Hash of the data's content, part of the cache's keys.
        start: A checkpoint, for `start=checkpoint`.
        probes: Indices of validation files that are explained after every epoch.
        device: `auto`, `cpu` or `cuda`.
        devices: Number of devices; more than one makes a process each.
        save_seconds: Seconds between saved states.
        grounds: Photos of none of the classes, over which things may move.
        weights: Folders that may hold the ImageNet weights; without them they are downloaded.
    """

    config: TrainConfig
    classes: tuple[str, ...]
    train: LabelledFiles
    val: LabelledFiles
    folder: Path
    cache: Path | None
    data_name: str
    data_fingerprint: str
    start: Path | None = None
    probes: tuple[int, ...] = ()
    device: str = "auto"
    devices: int = 1
    save_seconds: float = 30.0
    weights: tuple[Path, ...] = ()
    grounds: tuple[Path, ...] = ()


@dataclass(frozen=True)
class Provenance:
    """Where a model comes from: its data's name and fingerprint, its starting weights."""

    data: str
    fingerprint: str
    origin: str
