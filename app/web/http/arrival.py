"""The body of a request as it arrives: with a least rate, a deadline, and few at once."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import anyio
from starlette.requests import Request

from app.core.errors import TooMany, TooSlow
from app.core.settings import Settings

GRACE_SECONDS = 15.0  # in which no rate is expected
STALL_SECONDS = 30.0  # longest time without a byte
ADDRESS_FACTOR = 4  # several visitors may share an address, and a visitor may drop the cookie
YOUNG_SECONDS = 2.0  # an upload of this age has not shown yet how slow it is
RETRY_SECONDS = 5


class Arrival:
    """A body, read part by part. Only time spent in waiting for the client counts against it."""

    def __init__(self, request: Request, settings: Settings) -> None:
        self._stream = request.stream()
        self.least_rate = settings.min_upload_rate
        self._longest = settings.upload_seconds
        self._bytes = 0
        self._waited = 0.0
        self._opened = time.monotonic()
        self._scope = anyio.CancelScope()
        self._given_up = False

    async def read(self) -> bytes:
        """Return the next bytes; b"" at the end.

        Raises:
            TooSlow: They come too slowly, or take too long in all.
            TooMany: `give_up` was called.
        """
        began = time.monotonic()
        self._scope = anyio.CancelScope(deadline=anyio.current_time() + self._patience)
        with self._scope:
            if self._given_up:
                self._scope.cancel()
            chunk = await anext(self._stream, b"")
            self._bytes += len(chunk)
            self._waited += time.monotonic() - began
            return chunk
        if self._given_up:
            raise TooMany(
                "Too many uploads of yours arrive at once, and this was the slowest; send it again "
                "when others are done.",
                retry_after=RETRY_SECONDS,
            )
        raise TooSlow(
            f"The request was stopped: under {self.least_rate / 1024:.3g} KB a second arrived. Try "
            "again with a better connection, or with a smaller file."
        )

    @property
    def rate(self) -> float | None:
        """Bytes per second so far; None in the first moments."""
        age = time.monotonic() - self._opened
        return self._bytes / age if age > YOUNG_SECONDS else None

    def give_up(self) -> None:
        """Stop it: its reader gets TooMany."""
        self._given_up = True
        self._scope.cancel()

    @property
    def _patience(self) -> float:
        """Seconds until the next byte must be there."""
        allowed = min(GRACE_SECONDS + self._bytes / self.least_rate, self._longest)
        return max(0.0, min(allowed - self._waited, STALL_SECONDS))


@dataclass
class Arrivals:
    """The uploads that are arriving, by whom they come from.

    Attributes:
        most: Of one visitor; `ADDRESS_FACTOR` times as many of one address.
    """

    most: int
    _open: dict[str, list[Arrival]] = field(default_factory=dict)

    @contextmanager
    def place(self, arrival: Arrival, visitor: str, address: str) -> Iterator[None]:
        """Hold a place while a body arrives.

        If there is none, the slowest upload of the same visitor or address gives up its own: slow
        ones never keep the next one out.

        Raises:
            TooMany: There is no place, and all others arrive fast enough.
        """
        keys = {f"visitor {visitor}": self.most, f"address {address}": self.most * ADDRESS_FACTOR}
        for key, most in keys.items():
            if len(self._open.get(key, ())) >= most:
                self._make_room(key)
        for key in keys:
            self._open.setdefault(key, []).append(arrival)
        try:
            yield
        finally:
            for key in keys:
                self._leave(key, arrival)

    def _make_room(self, key: str) -> None:
        rated = [(rate, one) for one in self._open[key] if (rate := one.rate) is not None]
        slow = [(rate, one) for rate, one in rated if rate < one.least_rate]
        if not slow:
            raise TooMany(
                f"{len(self._open[key])} uploads of yours arrive already; send this one when they "
                "are done.",
                retry_after=RETRY_SECONDS,
            )
        _, slowest = min(slow, key=lambda pair: pair[0])
        slowest.give_up()
        for other in list(self._open):
            self._leave(other, slowest)

    def _leave(self, key: str, arrival: Arrival) -> None:
        left = [one for one in self._open.get(key, ()) if one is not arrival]
        if left:
            self._open[key] = left
        else:
            self._open.pop(key, None)
