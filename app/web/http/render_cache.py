"""Rendered heatmaps in memory: an LRU cache, limited by bytes.

An entry is fresh for `TRUST` seconds after its row was read; then the row is read again. Deleting
in this process drops entries at once, so only another process can serve a deleted map, and only
for `TRUST` seconds.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock

TRUST = 1.5


@dataclass
class Rendered:
    """The bytes of one response; `seen` is when the heatmap's row was last read."""

    analysis_id: str
    content: bytes
    media_type: str
    etag: str
    seen: float = 0.0


class RenderCache:
    """Rendered maps by address; the least recently used are dropped first."""

    def __init__(
        self, max_bytes: int = 24 * 1024 * 1024, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._max_bytes = max_bytes
        self._clock = clock
        self._entries: OrderedDict[str, Rendered] = OrderedDict()
        self._bytes = 0
        self._lock = Lock()
        self.generation = 0

    def fresh(self, key: str) -> Rendered | None:
        """Return an entry whose row need not be read again, or None."""
        entry = self.any(key)
        return entry if entry and self._clock() - entry.seen < TRUST else None

    def any(self, key: str) -> Rendered | None:
        """Return an entry of any age, or None."""
        with self._lock:
            entry = self._entries.get(key)
            if entry is not None:
                self._entries.move_to_end(key)
            return entry

    def put(self, key: str, entry: Rendered, generation: int) -> None:
        """Store an entry unless something was dropped since `generation`.

        `generation` is the cache's attribute, read before the heatmap's row was.
        """
        with self._lock:
            if generation != self.generation or len(entry.content) > self._max_bytes // 4:
                return
            entry.seen = self._clock()
            self._forget(key)
            self._entries[key] = entry
            self._bytes += len(entry.content)
            while self._bytes > self._max_bytes:
                self._forget(next(iter(self._entries)))

    def drop(self, analysis_id: str) -> None:
        """Drop the entries of an analysis; what is being rendered now is not stored either."""
        with self._lock:
            self.generation += 1
            gone = [key for key, e in self._entries.items() if e.analysis_id == analysis_id]
            for key in gone:
                self._forget(key)

    def _forget(self, key: str) -> None:
        if (entry := self._entries.pop(key, None)) is not None:
            self._bytes -= len(entry.content)
