"""A folder with a training and a validation split of the same classes."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from ml.errors import MlError
from ml.train.spec import LabelledFiles

ListSplit = Callable[[Path], tuple[LabelledFiles, tuple[str, ...]]]


@dataclass(frozen=True)
class Splits:
    """Files and labels of both splits, and the classes' names in the order of the labels."""

    train: LabelledFiles
    val: LabelledFiles
    classes: tuple[str, ...]

    @classmethod
    def of(cls, folder: Path, list_split: ListSplit) -> Self:
        """List `folder/train` and `folder/val`.

        Raises:
            MlError: A split is empty, or their classes differ.
        """
        train, classes = list_split(folder / "train")
        val, known = list_split(folder / "val")
        if classes != known:
            raise MlError(f"train/ and val/ in {folder} do not hold the same classes.")
        return cls(train, val, classes)

    def fingerprint(self) -> str:
        """Return a hash of the files' names, sizes and labels."""
        facts = f"{self.train.facts()}\n{self.val.facts()}"
        return hashlib.sha256(facts.encode()).hexdigest()
