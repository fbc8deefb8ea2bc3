"""Rate-limited storage of a job's progress."""

from __future__ import annotations

import time

from worker.context import Context

STORE_SECONDS = 0.3


class Progress:
    """Stores a job's progress and message, at most once every `STORE_SECONDS`."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._next = 0.0

    def __call__(self, progress: float, message: str) -> None:
        """Store progress (0 to 1) and a message, unless the last were stored too recently."""
        if time.monotonic() >= self._next:
            self._context.commit(progress, message)
            self._next = time.monotonic() + STORE_SECONDS
