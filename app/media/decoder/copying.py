"""Writes a file that a decoder process sends in parts."""

from __future__ import annotations

from collections.abc import Callable
from typing import IO, Any

from app.core.errors import TooLarge
from app.core.settings import MIB
from app.storage.blobs import no_space_is_disk_full


class Copy:
    """Writes parts of a file, each at its place; DiskFull, or TooLarge beyond `limit` bytes."""

    def __init__(
        self, file: IO[bytes], limit: int, report: Callable[[float], None] | None = None
    ) -> None:
        self._file = file
        self._limit = limit
        self._report = report

    def take(self, header: dict[str, Any], data: bytes) -> None:
        """Write one part; in its header `part` is its place, and `done` the share done, 0..1."""
        place = int(header["part"])
        if place < 0 or place + len(data) > self._limit:
            raise TooLarge(
                f"A copy of the clip that browsers play would take more than "
                f"{self._limit / MIB:.3g} MB. Cut the part that matters and send that."
            )
        with no_space_is_disk_full():
            self._file.seek(place)
            self._file.write(data)
        if self._report is not None:
            self._report(min(1.0, max(0.0, float(header.get("done", 0.0)))))
