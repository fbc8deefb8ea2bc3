"""What a run has said, in small files, written before the run's state can know it.

Rows are written in batches. A worker that is killed between two batches has lost some steps, but
its saved state may be past them, so no later try would take them again: they are read from here.
"""

from __future__ import annotations

import json
import struct
from pathlib import Path
from types import TracebackType
from typing import Any

from ml.train.events import Step

RECORD = struct.Struct("<qdddd")
FIELDS = ("step", "loss", "accuracy", "lr", "images_per_s")


class EventLog:
    """Appends; what one call hands over survives the death of the process."""

    def __init__(self, folder: Path) -> None:
        self._steps = (folder / "steps.journal").open("a+b", buffering=0)
        self._epochs = (folder / "epochs.journal").open("a+b", buffering=0)

    def __enter__(self) -> EventLog:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._steps.close()
        self._epochs.close()

    def add_step(self, step: Step) -> None:
        """Write one step."""
        self._steps.write(RECORD.pack(*(getattr(step, name) for name in FIELDS)))

    def add_epoch(self, epoch: dict[str, Any]) -> None:
        """Write one epoch's row."""
        self._epochs.write(json.dumps(epoch).encode() + b"\n")

    def steps(self) -> list[dict[str, Any]]:
        """Return the steps; one that was cut off by the end of the process is left out."""
        self._steps.seek(0)
        data = self._steps.readall()
        whole = data[: len(data) // RECORD.size * RECORD.size]
        return [dict(zip(FIELDS, values, strict=True)) for values in RECORD.iter_unpack(whole)]

    def epochs(self) -> list[dict[str, Any]]:
        """Return the epochs' rows, in the same way."""
        self._epochs.seek(0)
        lines = self._epochs.readall().split(b"\n")[:-1]
        return [json.loads(line) for line in lines]

    def clear(self) -> None:
        """Forget all."""
        self._steps.truncate(0)
        self._epochs.truncate(0)
