"""Makes classes and splits of verified files: duplicates, empty classes, the server's split."""

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
Placed = tuple[StagedFile, Split | None, str]  # with the split, if one is given, and the class


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
        if not any(image.split == "val" for image in self.images):
            return (
                f"There are no {self.kind} left to validate on: each class needs at least two "
                f"that differ.{_hint(report)}"
            )
        return None


def assemble(
    staged: StagedFiles, report: Report, seed: int, val_share: float, titles: Mapping[str, str]
) -> Assembled:
    """Decide what the dataset consists of; everything else goes to the report."""
    layout = find_layout(file.parts for file in staged.files)
    placed: list[Placed] = []
    folders = {folder for parts in staged.folders if (folder := layout.folder(parts))}
    for file in staged.files:
        verdict, place = staged.verdicts[file.sha256], layout.place(file.parts)
        if isinstance(place, str):
            report.left_out(file.name, place)
            continue
        folders.add(place[1])
        if isinstance(verdict, str):
            report.broken(file.name, verdict)
        else:
            placed.append((file, *place))
    kind, placed = _of_one_kind(placed, staged, report)
    if layout.splits:
        selected = [Selected(file, split, folder) for file, split, folder in placed if split]
    else:
        report.split = "made"
        selected = _split(placed, seed, val_share)
    _report_duplicates(selected, report)
    selected = _without_straddlers(selected, report)
    return _number(kind, selected, folders, report, titles)


def _of_one_kind(
    placed: list[Placed], staged: StagedFiles, report: Report
) -> tuple[Kind, list[Placed]]:
    """Return the images, or the clips if there are more of these."""
    by_kind: dict[Kind, list[Placed]] = {"images": [], "clips": []}
    for entry in placed:
        seconds = staged.size_of(entry[0])[2]
        by_kind["images" if seconds is None else "clips"].append(entry)
    kind: Kind = "clips" if len(by_kind["clips"]) > len(by_kind["images"]) else "images"
    for file, *_ in by_kind["images" if kind == "clips" else "clips"]:
        report.left_out(file.name, OTHER_KIND.format(kind))
    return kind, by_kind[kind]


def _split(placed: Iterable[Placed], seed: int, val_share: float) -> list[Selected]:
    """Split class by class, by content: the same image never lies in both."""
    files = list(placed)
    contents: dict[str, str] = {}  # hash -> the class that decides where it goes
    for file, _, folder in sorted(files, key=lambda entry: entry[2]):
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


def _report_duplicates(selected: Iterable[Selected], report: Report) -> None:
    by_content: dict[str, list[Selected]] = defaultdict(list)
    for image in selected:
        by_content[image.file.sha256].append(image)
    for group in by_content.values():
        if len(group) > 1:
            report.duplicate((image.file.name for image in group), (image.split for image in group))


def _without_straddlers(selected: list[Selected], report: Report) -> list[Selected]:
    """Leave out of train what is in val too: validation must not see what training has seen."""
    val = {image.file.sha256 for image in selected if image.split == "val"}
    rest = []
    for image in selected:
        if image.split == "train" and image.file.sha256 in val:
            report.left_out(image.file.name, IN_VAL)
        else:
            rest.append(image)
    return rest


def _number(
    kind: Kind,
    selected: list[Selected],
    folders: set[str],
    report: Report,
    titles: Mapping[str, str],
) -> Assembled:
    """Sort the images by split, class and name; classes without training images are left out."""
    trained = {image.folder for image in selected if image.split == "train"}
    for folder in sorted(folders - {image.folder for image in selected}):
        report.left_out(f"{folder}/", UNUSED)
    for image in selected:
        if image.folder not in trained:
            report.left_out(image.file.name, NO_TRAIN)
    images = sorted(  # "train" is before "val"
        (image for image in selected if image.folder in trained),
        key=lambda image: (image.split, image.folder, image.file.parts, image.file.sha256),
    )
    names = tuple(sorted(trained))
    titled = tuple(titles.get(name, name) for name in names)
    unique = titled if len(set(titled)) == len(names) else names
    return Assembled(kind, names, unique, tuple(images))


def _found(count: int) -> str:
    return "There is no class" if count == 0 else "There is only one class"


def _hint(report: Report) -> str:
    broken, left_out = report.count("broken"), report.count("left_out")
    if broken == left_out == 0:
        return ""
    return f" ({broken:,} files are broken and {left_out:,} were left out: see the report.)"
