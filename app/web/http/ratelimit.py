"""Rate limits: a sliding window of one minute, in the memory of this process."""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable
from threading import Lock

from app.core.errors import TooMany

WINDOW = 60.0
MAX_KEYS = 10_000


class RateLimiter:
    """Counts events by key."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._events: dict[str, deque[float]] = {}
        self._lock = Lock()

    def check(self, key: str, limit: int, what: str = "uploads") -> None:
        """Count one event.

        Args:
            key: Who or what is limited.
            limit: Most events in a minute; 0 for no limit.
            what: The events' name in the error text, in the plural.

        Raises:
            TooMany: The limit is reached; the error has the seconds to wait.
        """
        if limit == 0:
            return
        now = self._clock()
        with self._lock:
            events = self._recent(key, now)
            if len(events) >= limit:
                wait = max(1, math.ceil(events[0] + WINDOW - now))
                raise TooMany(
                    f"That is more than {limit} {what} a minute; try again in {wait} seconds.",
                    retry_after=wait,
                )
            self._append(key, now)

    def add(self, key: str) -> None:
        """Count one event, however many there are."""
        with self._lock:
            self._append(key, self._clock())

    def forgive(self, key: str) -> None:
        """Take the last event back: it was none of those that are limited."""
        with self._lock:
            if events := self._events.get(key):
                events.pop()

    def count(self, key: str) -> int:
        """Return the number of events within the last minute."""
        with self._lock:
            return len(self._recent(key, self._clock())) if key in self._events else 0

    def _recent(self, key: str, now: float) -> deque[float]:
        events = self._events.setdefault(key, deque())
        while events and events[0] <= now - WINDOW:
            events.popleft()
        return events

    def _append(self, key: str, now: float) -> None:
        self._recent(key, now).append(now)
        if len(self._events) > MAX_KEYS:
            self._forget(now)

    def _forget(self, now: float) -> None:
        """Drop the keys without events in the last window."""
        silent = [
            key for key, events in self._events.items() if not events or events[-1] <= now - WINDOW
        ]
        for key in silent:
            del self._events[key]
