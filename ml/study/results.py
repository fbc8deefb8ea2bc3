"""A study's results: one JSON file for each trial and run, kept beside the study's own file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ml.errors import MlError
from ml.files import write_whole


@dataclass(frozen=True)
class Results:
    """A folder of records."""

    folder: Path

    def write(self, name: str, record: Mapping[str, Any]) -> None:
        """Write a record, whole or not at all."""
        text = json.dumps(record, separators=(",", ":")) + "\n"
        write_whole(self.folder / f"{name}.json", text.encode())

    def read(self, name: str) -> dict[str, Any] | None:
        """Return a record, or None if there is none; MlError if it is damaged."""
        path = self.folder / f"{name}.json"
        if not path.is_file():
            return None
        try:
            record: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        except ValueError as error:
            raise MlError(f"{path} is not JSON: {error}. Delete it to make it again.") from error
        return record

    def all(self) -> dict[str, dict[str, Any]]:
        """Return all records by name; MlError if one is damaged."""
        names = sorted(path.stem for path in self.folder.glob("*.json"))
        return {name: record for name in names if (record := self.read(name)) is not None}
