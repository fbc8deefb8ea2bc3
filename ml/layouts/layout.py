"""What a dataset's folders are used for: splits, classes, and what is left out and why."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from ml.layouts.names import Parts

Split = Literal["train", "val"]
Use = Literal["train", "val", "divide"]  # divide: into both, by content
LOOSE = "it lies in no class's folder"
WORDS_OF: dict[Use, str] = {
    "train": "to train on",
    "val": "to validate on",
    "divide": "divided into training and validation",
}


class BadChange(ValueError):
    """A change that cannot be made; the text is a sentence for people."""


@dataclass(frozen=True, slots=True)
class Group:
    """A folder whose files, also those in deeper folders, are used alike.

    Attributes:
        folder: The folder.
        root: The split's folder, or the one that all classes share.
        files: How many images or clips it has.
        use: What for; None if it is left out.
        label: The class; "" if there is none.
        reason: Why it is left out; "" if it is used.
    """

    folder: Parts
    root: Parts
    files: int
    use: Use | None = None
    label: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Change:
    """What a person decided for a folder and those below; None leaves it as it is."""

    use: Use | Literal["left_out"] | None = None
    label: str | None = None


@dataclass(frozen=True)
class Layout:
    """The groups by folder, and a question that only a person can answer, as a sentence."""

    groups: Mapping[Parts, Group] = field(default_factory=dict)
    question: str | None = None

    def place(self, parts: Parts) -> Group:
        """Return the group of a file; one that is left out if it lies in none."""
        for depth in range(len(parts) - 1, -1, -1):
            if (group := self.groups.get(parts[:depth])) is not None:
                return group
        return Group((), (), 0, reason=LOOSE)

    def class_of_folder(self, folder: Parts) -> str | None:
        """Return the class that an empty folder was meant for, or None."""
        roots = {group.root for group in self.groups.values() if group.use}
        return folder[-1] if folder and folder[:-1] in roots else None

    @property
    def is_divided(self) -> bool:
        """True if some classes are divided by the server."""
        return any(group.use == "divide" for group in self.groups.values())

    def changed(self, changes: Mapping[Parts, Change]) -> Layout:
        """Return the layout with a person's decisions, which answer the question.

        Raises:
            BadChange: There is no such folder, or one is to be used that has no class.
        """
        groups = dict(self.groups)
        for folder in sorted(changes, key=len):  # what is said of a folder counts more
            _apply(groups, folder, changes[folder])
        return Layout(groups, None)


def _apply(groups: dict[Parts, Group], folder: Parts, change: Change) -> None:
    below = [parts for parts in groups if parts[: len(folder)] == folder]
    if not below:
        raise BadChange(f"There is no folder {'/'.join(folder)} with images or clips.")
    if change.label is not None and below != [folder]:  # it becomes one class
        whole = replace(groups[below[0]], folder=folder, label=change.label)
        whole = replace(whole, files=sum(groups.pop(parts).files for parts in below))
        groups[folder], below = whole, [folder]
    for parts in below:
        group = groups[parts]
        label = group.label if change.label is None else change.label
        if change.use == "left_out":
            groups[parts] = replace(group, use=None, reason="you left it out")
        elif change.use is None:
            groups[parts] = replace(group, label=label)
        elif label:
            groups[parts] = replace(group, use=change.use, label=label, reason="")
        elif parts == folder:
            raise BadChange(f"{shown(folder)} has no class: give it one, or leave it out.")


def shown(folder: Parts) -> str:
    """Return a folder for a sentence."""
    return f"{'/'.join(folder)}/" if folder else "the top folder"


def alike(labels: Iterable[str]) -> list[tuple[str, ...]]:
    """Return the classes that differ only in upper and lower case, together."""
    by_case: dict[str, set[str]] = defaultdict(set)
    for label in labels:
        by_case[label.casefold()].add(label)
    return [tuple(sorted(names)) for names in by_case.values() if len(names) > 1]


def listing(names: Sequence[str], most: int = 4) -> str:
    """Return names for a sentence: `a, b and c`; the last ones are counted."""
    if len(names) > most:
        return f"{', '.join(names[:most])} and {len(names) - most} more"
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))
