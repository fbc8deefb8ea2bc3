"""A folder on the disk as a dataset, by the rules of the server's imports."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ml.errors import MlError
from ml.layouts.folders import examples
from ml.layouts.layout import Group, Layout, Split, shown
from ml.layouts.names import Parts
from ml.layouts.read import ORDER, read_layout
from ml.layouts.settle import Example, Settled, settle
from ml.layouts.words import split_words
from ml.train.spec import LabelledFiles

SHARE = 0.2  # of each class to validate on where the folder has no splits, as on the server


@dataclass(frozen=True)
class DataFolder:
    """What a folder holds; `notes` are sentences on what was divided or left out."""

    train: LabelledFiles
    val: LabelledFiles
    classes: tuple[str, ...]
    notes: tuple[str, ...]

    def fingerprint(self) -> str:
        """Return a hash of the files' names, sizes and labels."""
        facts = f"{self.train.facts()}\n{self.val.facts()}"
        return hashlib.sha256(facts.encode()).hexdigest()


def read_folder(
    folder: Path,
    suffixes: Collection[str],
    what: str,
    titles: Mapping[str, str] | None = None,
    seed: int = 0,
) -> DataFolder:
    """Read a dataset: `train/CLASS` with `val/CLASS`, or classes that are divided by content.

    Args:
        folder: The whole dataset's.
        suffixes: Of the files that count, in lower case.
        what: `images` or `clips`, for sentences.
        titles: Names of classes for their folders.
        seed: Of the division.

    Raises:
        MlError: It can be read in several ways, or has less than two classes to train on.
    """
    found = examples(folder, suffixes) if folder.is_dir() else {}
    layout = read_layout(found)
    if layout.question:
        raise MlError(f"{folder.name}: {layout.question} Move or rename it.")
    placed = [(parts, group) for parts in found if (group := layout.place(parts)).use]
    settled = settle(
        [
            Example(_hash(found[parts]), group.use, group.label)
            for parts, group in placed
            if group.use  # as all are, for the type checker
        ],
        seed,
        SHARE,
    )
    names = sorted({placed[n][1].label for n in settled.splits})
    if len(names) < 2 or "val" not in settled.splits.values():
        raise MlError(
            f"No {what} of two classes in {folder} to train and validate on. Expected one folder "
            f"for each class, as in train/CLASS/ and val/CLASS/, or CLASS/, with {what}."
        )
    return DataFolder(
        _of_split("train", placed, settled, found, names),
        _of_split("val", placed, settled, found, names),
        tuple((titles or {}).get(name, name) for name in names),
        tuple(_notes(layout, settled, placed)),
    )


def validation_folder(data: Path) -> Path | None:
    """Return the folder of a dataset that is there to validate on, by its name, or None."""
    names = [path.name for path in data.iterdir() if path.is_dir()] if data.is_dir() else []
    words = split_words(names)
    found = [name for word in ORDER for name in sorted(words) if words[name] == word]
    return data / found[0] if found else None


def _of_split(
    split: Split,
    placed: Sequence[tuple[Parts, Group]],
    settled: Settled,
    found: Mapping[Parts, Path],
    names: Sequence[str],
) -> LabelledFiles:
    chosen = sorted(
        (names.index(placed[n][1].label), placed[n][0])
        for n, one in settled.splits.items()
        if one == split
    )
    return LabelledFiles(
        tuple(found[parts] for _, parts in chosen), tuple(label for label, _ in chosen)
    )


def _notes(layout: Layout, settled: Settled, placed: Sequence[tuple[Parts, Group]]) -> list[str]:
    notes = []
    if layout.is_divided:
        notes.append(f"{SHARE:.0%} of each class are kept to validate on, chosen by content.")
    apart = Counter[tuple[Parts, str]]()
    for group in layout.groups.values():
        if not group.use:
            apart[group.root, group.reason] += group.files
    notes += [f"Left out: {shown(root)}, {n} files: {why}." for (root, why), n in apart.items()]
    alone = Counter(settled.left_out.values())
    examples_of = {why: placed[n][0] for n, why in settled.left_out.items()}
    notes += [
        f"Left out: {count} files such as {'/'.join(examples_of[why])}: {why}."
        for why, count in alone.items()
    ]
    return notes


def _hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
