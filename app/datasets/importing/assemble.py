"""From verified files to classes and splits: duplicates, empty classes, the server's own split."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from app.datasets.importing.layout import find_layout
from app.datasets.importing.names import LENGTH, shown
from app.datasets.importing.report import Report
from app.datasets.importing.staging import StagedFile, StagedFiles
from app.datasets.index import Kind, Split

MOST_CLASSES = 2000
UNUSED = "nothing of it can be used"
NO_TRAIN = "its class has nothing to train on"
OTHER_KIND = "the other files are {}"
IN_VAL = "the same file is in the validation split"


@dataclass(frozen=True, slots=True)
class Selected:
    """An image or clip of the dataset, before it has its number."""

    file: StagedFile
    split: Split
    folder: str


@dataclass(frozen=True)
class Assembled:
    """The dataset: class folders with their titles in label order, images in index order."""

    kind: Kind
    folders: tuple[str, ...]
    classes: tuple[str, ...]
    images: tuple[Selected, ...]

    def problem(self, report: Report) -> str | None:
        """Return why this cannot be trained on, as a sentence, or None."""
        if len(self.classes) < 2:
            return (
                f"{_found(len(self.classes))} with {self.kind} that can be used; training needs "
                "at least 2. Make a folder for each class, as in train/CLASS/photo.jpg and "
                f"val/CLASS/photo.jpg, or CLASS/photo.jpg (or .mp4).{_hint(report)}"
            )
        if len(self.classes) > MOST_CLASSES:
            return f"There are {len(self.classes):,} classes; at most {MOST_CLASSES:,} can be used."
        if len(longest := max(self.classes, key=len)) > LENGTH:
            return (
                f"The class {shown(longest)} has a name of more than {LENGTH} letters: shorten it."
            )
        if not any(one.split == "val" for one in self.images):
            return (
                f"There are no {self.kind} left to validate on: each class needs at least two "
                f"that differ.{_hint(report)}"
            )
        return None


def assemble(
    taken: StagedFiles, report: Report, seed: int, val_share: float, titles: Mapping[str, str]
) -> Assembled:
    """Decide what is kept; everything else is in the report afterwards."""
    layout = find_layout(file.parts for file in taken.files)
    placed: list[tuple[StagedFile, Split | None, str]] = []
    folders = {folder for parts in taken.folders if (folder := layout.folder(parts))}
    for file in taken.files:
        verdict, place = taken.verdicts[file.sha256], layout.place(file.parts)
        if isinstance(place, str):
            report.left_out(file.name, place)
            continue
        folders.add(place[1])
        if isinstance(verdict, str):
            report.broken(file.name, verdict)
        else:
            placed.append((file, *place))
    kind, placed = _of_one_kind(placed, taken, report)
    if layout.splits:
        kept = [Selected(file, split, folder) for file, split, folder in placed if split]
    else:
        report.split = "made"
        kept = _split(placed, seed, val_share)
    _report_duplicates(kept, report)
    kept = _without_straddlers(kept, report)
    return _number(kind, kept, folders, report, titles)


def _of_one_kind(
    placed: list[tuple[StagedFile, Split | None, str]], taken: StagedFiles, report: Report
) -> tuple[Kind, list[tuple[StagedFile, Split | None, str]]]:
    """Keep the images, or the clips where there are more of these."""
    clips = [one for one in placed if taken.size_of(one[0])[2] is not None]
    images = [one for one in placed if taken.size_of(one[0])[2] is None]
    kind: Kind = "clips" if len(clips) > len(images) else "images"
    kept, others = (clips, images) if kind == "clips" else (images, clips)
    for file, *_ in others:
        report.left_out(file.name, OTHER_KIND.format(kind))
    return kind, kept


def _split(
    placed: Iterable[tuple[StagedFile, Split | None, str]], seed: int, val_share: float
) -> list[Selected]:
    """Split class by class, by content: the same image never lies in both."""
    files = list(placed)
    contents: dict[str, str] = {}  # hash -> the class that decides where it goes
    for file, _, folder in sorted(files, key=lambda one: one[2]):
        contents.setdefault(file.sha256, folder)
    by_class: dict[str, list[str]] = defaultdict(list)
    for sha256, folder in contents.items():
        by_class[folder].append(sha256)
    val: set[str] = set()
    for hashes in by_class.values():
        shuffled = sorted(hashes, key=lambda one: hashlib.sha256(f"{seed} {one}".encode()).digest())
        wanted = max(1, round(val_share * len(hashes)))
        val.update(shuffled[: min(wanted, len(hashes) - 1)])
    return [
        Selected(file, "val" if file.sha256 in val else "train", folder)
        for file, _, folder in files
    ]


def _report_duplicates(kept: Iterable[Selected], report: Report) -> None:
    same: dict[str, list[Selected]] = defaultdict(list)
    for one in kept:
        same[one.file.sha256].append(one)
    for group in same.values():
        if len(group) > 1:
            report.duplicate((one.file.name for one in group), (one.split for one in group))


def _without_straddlers(kept: list[Selected], report: Report) -> list[Selected]:
    """Leave out of train what is in val too: or validation would ask what training has seen."""
    val = {one.file.sha256 for one in kept if one.split == "val"}
    left = []
    for one in kept:
        if one.split == "train" and one.file.sha256 in val:
            report.left_out(one.file.name, IN_VAL)
        else:
            left.append(one)
    return left


def _number(
    kind: Kind, kept: list[Selected], folders: set[str], report: Report, titles: Mapping[str, str]
) -> Assembled:
    """Sort the images by split, class and name; classes without training images are left out."""
    trained = {one.folder for one in kept if one.split == "train"}
    for folder in sorted(folders - {one.folder for one in kept}):
        report.left_out(f"{folder}/", UNUSED)
    for one in kept:
        if one.folder not in trained:
            report.left_out(one.file.name, NO_TRAIN)
    order = {"train": 0, "val": 1}
    images = sorted(
        (one for one in kept if one.folder in trained),
        key=lambda one: (order[one.split], one.folder, one.file.parts, one.file.sha256),
    )
    names = tuple(sorted(trained))
    words = tuple(titles.get(name, name) for name in names)
    titled = words if len(set(words)) == len(names) else names
    return Assembled(kind, names, titled, tuple(images))


def _found(count: int) -> str:
    return "There is no class" if count == 0 else "There is only one class"


def _hint(report: Report) -> str:
    broken, left_out = report.count("broken"), report.count("left_out")
    if broken == left_out == 0:
        return ""
    return f" ({broken:,} files are broken and {left_out:,} were left out: see the report.)"
