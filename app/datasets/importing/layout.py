"""Reads classes from names: `train/CLASS/..` with `val/CLASS/..`, or `CLASS/..` without splits."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from app.datasets.importing.names import Parts
from app.datasets.index import Split

TRAIN = ("train", "training")
VAL = ("val", "valid", "validation", "test")  # the first that exists counts
LOOSE = "it lies in no class's folder"


@dataclass(frozen=True)
class Layout:
    """How to read the folders: the depth of the top folder, and the splits by name."""

    depth: int
    splits: dict[str, Split]  # by folder; empty if the server splits

    def place(self, parts: Parts) -> tuple[Split | None, str] | str:
        """Return an image's (split, class folder), or the reason why it has none."""
        inner = parts[self.depth :]
        if not self.splits:
            return (None, inner[0]) if len(inner) >= 2 else LOOSE
        if len(inner) < 2:
            return LOOSE
        split = self.splits.get(inner[0])
        if split is None:
            used = " and ".join(sorted(self.splits))
            return f"only the folders {used} are used"
        return (split, inner[1]) if len(inner) >= 3 else LOOSE

    def folder(self, parts: Parts) -> str | None:
        """Return the class that a folder without files may belong to, or None."""
        place = self.place((*parts, "image"))
        is_class = len(parts) == self.depth + (2 if self.splits else 1)
        return place[1] if is_class and not isinstance(place, str) else None


def find_layout(images: Iterable[Parts]) -> Layout:
    """Return the layout of these images' names."""
    names = list(images)
    depth = _common(names)
    tops = Counter(parts[depth] for parts in names if len(parts) >= depth + 3)
    return Layout(depth, _splits(sorted(tops)))


def _common(names: Sequence[Parts]) -> int:
    """Return how many folders all images share above their class: `photos/`, `photos/train/`."""
    depth = 0
    while names and max(map(len, names)) >= depth + 3:
        tops = {parts[depth] for parts in names if len(parts) > depth + 1}
        if len(tops) != 1:
            return depth
        depth += 1
    return depth


def _splits(tops: Sequence[str]) -> dict[str, Split]:
    by_name = {top.casefold(): top for top in tops}
    train = next((by_name[name] for name in TRAIN if name in by_name), None)
    val = next((by_name[name] for name in VAL if name in by_name), None)
    if train is None or val is None:
        return {}
    return {train: "train", val: "val"}
