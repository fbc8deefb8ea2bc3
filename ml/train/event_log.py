"""What a run reports, in a file that outlives the process: a JSON object a line, an event each.

Rank 0 writes an event before it goes on, so before it saves a state that is past the event. If rows
were lost when the process was killed, the next try reads them from here, and a run on several
devices is followed by reading its log.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import is_dataclass
from pathlib import Path
from typing import Any, get_args

import numpy as np

from ml.train.events import Event, Mistakes, ProbeMaps

NAME = "events.jsonl"
TYPES: Mapping[str, Callable[..., Any]] = {
    kind.__name__: kind for kind in (*get_args(Event), ProbeMaps, Mistakes)
}
TYPE, ARRAY, PATH = "$type", "$array", "$path"  # the first key of what JSON itself has no type for


class EventLog:
    """The events of the current or last try of a run, in the run's folder."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._path = folder / NAME
        self._file = self._path.open("ab", buffering=0)
        self._read = 0  # bytes

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def clear(self) -> None:
        """Delete the events of an earlier try."""
        self._file.truncate(0)
        self._read = 0

    def append(self, event: Event) -> None:
        """Write one event, which survives the death of the process.

        Raises:
            OSError: The disk is full.
        """
        line = json.dumps(event, default=_to_json).encode() + b"\n"
        while line:
            line = line[self._file.write(line) :]

    def read(self) -> Iterator[Event]:
        """Yield the events since the last call; one that is still being written is left out."""
        with self._path.open("rb") as file:
            file.seek(self._read)
            for line in file:
                if not line.endswith(b"\n"):
                    return
                self._read += len(line)
                yield json.loads(line, object_hook=_from_json)


def _to_json(value: Any) -> dict[str, Any]:
    if isinstance(value, Path):
        return {PATH: str(value)}
    if isinstance(value, np.ndarray):
        data = base64.b64encode(value.tobytes()).decode()
        return {ARRAY: data, "dtype": value.dtype.str, "shape": value.shape}
    if is_dataclass(value):
        return {TYPE: type(value).__name__, **vars(value)}
    raise TypeError(f"an event cannot hold a {type(value).__name__}")


def _from_json(values: dict[str, Any]) -> Any:
    if PATH in values:
        return Path(values[PATH])
    if ARRAY in values:
        data = np.frombuffer(base64.b64decode(values[ARRAY]), values["dtype"])
        return data.reshape(values["shape"])
    if TYPE in values:
        record = TYPES[values.pop(TYPE)]
        return record(**{k: tuple(v) if isinstance(v, list) else v for k, v in values.items()})
    return values
