"""Makes classes and splits of verified files, as the layout and a person's decisions say."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from app.datasets.importing.names import LENGTH, shown
from app.datasets.importing.report import Report
from app.datasets.importing.staging import SHARD, TABLE, StagedFile, StagedFiles
from app.datasets.index import Kind, Split
from ml.layouts.layout import LOOSE, BadChange, Change, Group, Layout
from ml.layouts.names import Parts
from ml.layouts.read import read_layout
from ml.layouts.settle import Example, Settled, settle
from ml.layouts.synsets import SYNSETS

MOST_CLASSES = 2000
UNUSED = "nothing of it can be used"
OTHER_KIND = "the other files are {}"


@dataclass(frozen=True)
class Decisions:
    """How to divide classes, and what a person decided."""

    seed: int = 0
    val_share: float = 0.2
    folders: Mapping[Parts, Change] = field(default_factory=dict)
    conflicts: Mapping[str, str] = field(default_factory=dict)  # the right class as shown, by hash


@dataclass(frozen=True, slots=True)
class Selected:
    """An image or clip of the dataset, before it has its number."""

    file: StagedFile
    split: Split
    folder: str


@dataclass(frozen=True)
class Assembled:
    """The dataset: class folders with their titles in label order, images in index order.

    `conflicts` are the files with the same content in several classes, with their classes.
    """

    kind: Kind
    layout: Layout
    folders: tuple[str, ...]
    classes: tuple[str, ...]
    images: tuple[Selected, ...]
    conflicts: tuple[tuple[tuple[StagedFile, str], ...], ...]

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


def title(label: str) -> str:
    """Return the name to show for a class."""
    return SYNSETS.get(label, label)


def assemble(staged: StagedFiles, report: Report, decisions: Decisions) -> Assembled:
    """Decide what the dataset consists of; everything else goes to the report.

    Raises:
        BadChange: A decision does not fit to the files.
    """
    layout = read_layout(file.parts for file in staged.files)
    if decisions.folders:
        layout = layout.changed(decisions.folders)
    report.split = "made" if layout.is_divided else "given"
    report.encoding = staged.encoding if staged.encoding != "utf_8" else None
    placed, seen = _placed(staged, layout, report)
    kind, placed = _of_one_kind(placed, staged, report)
    labels = {title(group.label): group.label for _, group in placed}
    settled = settle(
        [Example(file.sha256, group.use, group.label) for file, group in placed if group.use],
        decisions.seed,
        decisions.val_share,
        {sha256: labels.get(name, name) for sha256, name in decisions.conflicts.items()},
    )
    conflicts = tuple(
        tuple((placed[n][0], placed[n][1].label) for n in group) for group in settled.conflicts
    )
    if unknown := set(decisions.conflicts) - {group[0][0].sha256 for group in conflicts}:
        raise BadChange(f"No conflict has the content {min(unknown)}.")
    _report_settled(settled, placed, report)
    for label in sorted(seen - {group.label for _, group in placed}):
        report.left_out(f"{label}/", UNUSED)
    return _number(kind, layout, settled, placed, conflicts)


def _placed(
    staged: StagedFiles, layout: Layout, report: Report
) -> tuple[list[tuple[StagedFile, Group]], set[str]]:
    """Return the files that can be read with their groups, and the classes that were meant."""
    placed, seen = [], set()
    apart = Counter[tuple[Parts, str]]()
    for file in staged.files:
        group, verdict = layout.place(file.parts), staged.verdicts[file.sha256]
        if group.use is None and group.reason == LOOSE:
            report.left_out(file.name, LOOSE)
        elif group.use is None:
            apart[group.root, group.reason] += 1
        else:
            seen.add(group.label)
            if isinstance(verdict, str):
                report.broken(file.name, verdict)
            else:
                placed.append((file, group))
                if verdict[3]:
                    report.noted(file.name, verdict[3])
    for (root, reason), count in sorted(apart.items()):
        report.left_out("/".join((*root, "")) or "/", reason, count)
    empty = (layout.class_of_folder(parts) for parts in staged.folders)
    return placed, seen | {label for label in empty if label}


def _of_one_kind(
    placed: list[tuple[StagedFile, Group]], staged: StagedFiles, report: Report
) -> tuple[Kind, list[tuple[StagedFile, Group]]]:
    """Return the images, or the clips if there are more of these."""
    by_kind: dict[Kind, list[tuple[StagedFile, Group]]] = {"images": [], "clips": []}
    for entry in placed:
        seconds = staged.size_of(entry[0])[2]
        by_kind["images" if seconds is None else "clips"].append(entry)
    kind: Kind = "clips" if len(by_kind["clips"]) > len(by_kind["images"]) else "images"
    for file, _ in by_kind["images" if kind == "clips" else "clips"]:
        report.left_out(file.name, OTHER_KIND.format(kind))
    return kind, by_kind[kind]


def _report_settled(
    settled: Settled, placed: list[tuple[StagedFile, Group]], report: Report
) -> None:
    for places in settled.conflicts:
        report.conflict(
            [placed[n][0].name for n in places], [title(placed[n][1].label) for n in places]
        )
    for twins in settled.duplicates:
        report.duplicate((placed[n][0].name for n, _ in twins), (split for _, split in twins))
    for n, reason in sorted(settled.left_out.items()):
        report.left_out(placed[n][0].name, reason)


def _number(
    kind: Kind,
    layout: Layout,
    settled: Settled,
    placed: list[tuple[StagedFile, Group]],
    conflicts: tuple[tuple[tuple[StagedFile, str], ...], ...],
) -> Assembled:
    """Sort the images by split, class and name."""
    selected = (
        Selected(placed[n][0], split, placed[n][1].label) for n, split in settled.splits.items()
    )
    images = sorted(  # "train" is before "val"
        selected, key=lambda image: (image.split, image.folder, image.file.parts, image.file.sha256)
    )
    names = tuple(sorted({image.folder for image in images}))
    titles = tuple(map(title, names))
    unique = titles if len(set(titles)) == len(names) else names
    return Assembled(kind, layout, names, unique, tuple(images), conflicts)


def _found(count: int) -> str:
    return "There is no class" if count == 0 else "There is only one class"


def _hint(report: Report) -> str:
    broken, left_out = report.count("broken"), report.count("left_out")
    if broken == left_out == 0:
        return ""
    tables = report.left_out_for(TABLE, SHARD)
    if tables:
        return f" ({shown(tables[0]['name'])}: {tables[0]['reason']}.)"
    return f" ({broken:,} files are broken and {left_out:,} were left out: see the report.)"
