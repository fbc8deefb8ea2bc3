"""A run's settings and events as files, for runs whose work is done by other processes."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import numpy as np

from ml.errors import MlError
from ml.files import write_whole
from ml.train.configure import restored
from ml.train.events import (
    EpochEnd,
    Event,
    Finished,
    Loading,
    ProbeMaps,
    Ready,
    Saved,
    Step,
    Validating,
)
from ml.train.spec import LabelledFiles, RunSpec

EVENTS = "events.jsonl"
TYPES: Mapping[str, type[Event]] = {
    kind.__name__: kind for kind in (Loading, Ready, Step, Validating, EpochEnd, Saved, Finished)
}
ARRAYS = ("predicted", "confidence")
MAPS = ("probes", "worst")


def write_spec(spec: RunSpec, path: Path) -> None:
    """Write a run's settings as JSON."""
    write_whole(path, json.dumps(asdict(spec), default=str).encode())


def read_spec(path: Path) -> RunSpec:
    """Read a run's settings."""
    values: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    for split in ("train", "val"):
        files = tuple(Path(p) for p in values[split]["files"])
        values[split] = LabelledFiles(files, tuple(values[split]["labels"]))
    for name in ("folder", "cache", "start"):
        values[name] = Path(values[name]) if values[name] else None
    values["config"] = restored(values["config"])
    values["classes"], values["probes"] = tuple(values["classes"]), tuple(values["probes"])
    values["weights"] = tuple(Path(folder) for folder in values["weights"])
    return RunSpec(**values)


class EventWriter:
    """Appends events to a file of JSON lines; arrays are files beside it, written first."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._file = (folder / EVENTS).open("a", encoding="utf-8")
        self._arrays = 0

    def write(self, event: Event) -> None:
        """Append one event and flush it."""
        values = {f.name: getattr(event, f.name) for f in fields(event)}
        for name in ARRAYS:
            if name in values:
                values[name] = self._keep(values[name])
        for name in MAPS:
            values[name] = [
                {
                    "method": m.method,
                    "unit": m.unit,
                    "grids": m.grids,
                    "values": self._keep(m.values),
                }
                for m in values.get(name, ())
            ]
        line = {"type": type(event).__name__, "values": values}
        self._file.write(json.dumps(line, default=str) + "\n")
        self._file.flush()

    def _keep(self, array: np.ndarray[Any, Any]) -> str:
        self._arrays += 1
        name = f"array-{self._arrays}.npy"
        np.save(self._folder / name, array)
        return name


class EventReader:
    """Reads what an EventWriter wrote so far; files of arrays are deleted once they are read."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._seen = 0

    def read(self) -> Iterator[Event]:
        """Yield the events since the last call."""
        path = self._folder / EVENTS
        if not path.is_file():
            return
        with path.open("rb") as file:
            file.seek(self._seen)
            for line in file:
                if not line.endswith(b"\n"):
                    return  # still being written
                self._seen += len(line)
                yield self._event(json.loads(line))

    def _event(self, line: dict[str, Any]) -> Event:
        kind, values = TYPES[line["type"]], line["values"]
        known = {f.name for f in fields(kind)}
        for name in ARRAYS:
            if name in values:
                values[name] = self._take(values[name])
        for name in MAPS:
            values[name] = tuple(
                ProbeMaps(
                    m["method"],
                    m["unit"],
                    {stage: (h, w) for stage, (h, w) in m["grids"].items()},
                    self._take(m["values"]),
                )
                for m in values[name]
            )
        if kind is Finished:
            values["path"] = Path(values["path"])
            for name in ("worst_indices", "worst_predicted", "worst_confidence"):
                values[name] = tuple(values[name])
        return kind(**{name: value for name, value in values.items() if name in known})

    def _take(self, name: str) -> np.ndarray[Any, Any]:
        path = self._folder / name
        array: np.ndarray[Any, Any] = np.load(path)
        path.unlink()
        return array


def write_failure(folder: Path, rank: int, error: BaseException, trace: str) -> None:
    """Write why a rank failed: the sentence of an MlError, and the traceback."""
    failure = {"detail": error.detail if isinstance(error, MlError) else None, "trace": trace}
    write_whole(folder / f"failed-{rank}.json", json.dumps(failure).encode())


def read_failures(folder: Path) -> list[dict[str, Any]]:
    """Return the failures, by rank."""
    return [json.loads(p.read_text()) for p in sorted(folder.glob("failed-*.json"))]
