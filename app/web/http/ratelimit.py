"""Rate limits: most events in a minute, counted in the database, which all processes share."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping

from sqlalchemy.orm import Session, sessionmaker

from app.core.errors import TooMany
from app.db import rates

NO_LIMIT = 10**9
LONGEST_KEY = 160


class RateLimiter:
    """Counts events by key. A request beyond a limit costs one read, and no write.

    Args:
        sessions: Sessions that write.
        readers: Sessions that only read.
        clock: Returns the Unix time.
    """

    def __init__(
        self,
        sessions: sessionmaker[Session],
        readers: sessionmaker[Session],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._sessions = sessions
        self._readers = readers
        self._clock = clock

    def check(self, limits: Mapping[str, int], what: str) -> None:
        """Raise TooMany if a limit is reached; nothing is counted.

        Args:
            limits: Most events in a minute, by who or what is limited; 0 for no limit.
            what: The events' name in the error text, in the plural.
        """
        with self._readers() as session:
            self._refuse(session, _limited(limits), what)

    def count(self, limits: Mapping[str, int], what: str, session: Session | None = None) -> None:
        """Count one event for each key, all or none; TooMany as `check`.

        With a session that writes they are counted in its transaction, else at once.
        """
        if session is None:
            self.check(limits, what)
            with self._sessions.begin() as own:
                self.count(limits, what, own)
            return
        wanted = _limited(limits)
        for key in sorted(wanted):  # in one order, so that no two wait for each other
            if not rates.count(session, key, wanted[key], self._clock()):
                self._refuse(session, {key: wanted[key]}, what)
                raise TooMany

    def add(self, key: str) -> None:
        """Count one event, however many there are."""
        with self._sessions.begin() as session:
            rates.count(session, key[:LONGEST_KEY], NO_LIMIT, self._clock())

    def forgive(self, key: str) -> None:
        """Take the last event back: it was none of those that are limited."""
        with self._sessions.begin() as session:
            rates.take_back(session, key[:LONGEST_KEY])

    def number(self, key: str) -> int:
        """Return the number of events in the present minute."""
        with self._readers() as session:
            return rates.number(session, key[:LONGEST_KEY], self._clock())

    def _refuse(self, session: Session, limits: Mapping[str, int], what: str) -> None:
        found = rates.full(session, limits, self._clock()) if limits else None
        if found is not None:
            key, seconds = found
            wait = max(1, math.ceil(seconds))
            raise TooMany(
                f"That is more than {limits[key]} {what} a minute; try again in {wait} seconds.",
                retry_after=wait,
            )


def _limited(limits: Mapping[str, int]) -> dict[str, int]:
    return {key[:LONGEST_KEY]: limit for key, limit in limits.items() if limit}
