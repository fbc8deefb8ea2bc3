"""What an import leaves out, and why; long lists are cut, but counted in full."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

LISTED = 100
NAMES = 8


class Report:
    """The public report of a dataset."""

    def __init__(self, seed: int, val_share: float) -> None:
        self._lists: dict[str, list[dict[str, Any]]] = {
            "broken": [],
            "duplicates": [],
            "left_out": [],
            "conflicts": [],
            "noted": [],
        }
        self._counts = dict.fromkeys(self._lists, 0)
        self.split = "given"
        self.encoding: str | None = None
        self._seed = seed
        self._val_share = val_share

    def broken(self, name: str, reason: str) -> None:
        """Note an image that cannot be read."""
        self._add("broken", {"name": name, "reason": reason})

    def noted(self, name: str, note: str) -> None:
        """Note how an image was read in which something was guessed or is missing."""
        self._add("noted", {"name": name, "reason": note})

    def left_out(self, name: str, reason: str, files: int = 1) -> None:
        """Note a file, or a folder with so many files, that is not used."""
        self._add("left_out", {"name": name, "reason": reason, "files": files})

    def conflict(self, names: Iterable[str], classes: Iterable[str]) -> None:
        """Note files with the same content, and the class of each, which differ."""
        self._add("conflicts", {"names": list(names)[:NAMES], "classes": list(classes)[:NAMES]})

    def duplicate(self, names: Iterable[str], splits: Iterable[str]) -> None:
        """Note files with the same content, and the split of each."""
        entry = {"names": list(names)[:NAMES], "splits": list(splits)[:NAMES]}
        self._add("duplicates", entry)

    def count(self, which: str) -> int:
        """Return how many entries there are of broken, duplicates, left_out, conflicts or noted."""
        return self._counts[which]

    def left_out_for(self, *reasons: str) -> list[dict[str, Any]]:
        """Return the lines of what is left out for one of these reasons."""
        return [line for line in self._lists["left_out"] if line["reason"] in reasons]

    def public(self) -> dict[str, Any]:
        """Return the report as JSON."""
        split = {"split": self.split, "seed": self._seed, "val_share": self._val_share}
        return {**self._lists, "counts": self._counts, **split, "encoding": self.encoding}

    def restore(self, public: dict[str, Any]) -> None:
        """Take the lists of an earlier report."""
        for which, entries in self._lists.items():
            entries[:] = public.get(which, [])  # none of a kind that is newer
            self._counts[which] = public["counts"].get(which, 0)

    def _add(self, which: str, entry: dict[str, Any]) -> None:
        self._counts[which] += 1
        if len(self._lists[which]) < LISTED:
            self._lists[which].append(entry)
