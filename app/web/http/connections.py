"""HTTP connections with limits of size, time and number.

uvicorn's parser takes a head of any size, for any time, and its `limit_concurrency` turns everybody
away once it is reached. Here a head has limits, and a full server closes a connection of the
address that holds the most.
"""

from __future__ import annotations

import asyncio
import logging
import resource
from collections import Counter
from collections.abc import Container, Sequence
from typing import Any, ClassVar

from uvicorn.middleware.proxy_headers import _TrustedHosts
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from app.core.settings import Settings

log = logging.getLogger(__name__)
MOST_HEAD = 32 * 1024  # bytes of a request's first line and headers
MOST_LINES = 100
HEAD_SECONDS = 10.0  # from the connection, or a head's first byte, to its end
LINGER_SECONDS = 10.0  # that an answered request may still send its body
STALL_SECONDS = 60.0  # in which a client must read some 50 KB of a response that waits for it
MOST_PIPELINED = 16  # requests sent before the answer to the first
SETTLED_SECONDS = 1.0  # a younger connection may be about to send its head
OWN_FILES = 128  # descriptors for everything but connections


class LimitedConnection(HttpToolsProtocol):
    """A connection that is closed if its client sends a head, or reads a response, too slowly.

    Attributes:
        most: Connections that the process takes; set by `limited`.
        proxies: Addresses that many clients come from; set by `limited`.
        opened: When it was made, on the loop's clock.
    """

    most: ClassVar[int]
    proxies: ClassVar[Container[str]] = ()

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._head_bytes = 0
        self._in_head = True  # no request is being read or answered
        self._in_body = False
        self._timer: asyncio.TimerHandle | None = None
        self._stalled: asyncio.TimerHandle | None = None
        self.opened = self.loop.time()

    @property
    def address(self) -> str:
        """The peer's address."""
        return self.client[0] if self.client else ""

    @property
    def idle(self) -> bool:
        """True if it has sent no whole head, or its request has been answered."""
        cycle: RequestResponseCycle | None = self.cycle
        return cycle is None or cycle.response_complete

    @property
    def settled(self) -> bool:
        """True if it is older than a moment."""
        return self.loop.time() - self.opened > SETTLED_SECONDS

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take a connection, and close another one if there are too many."""
        super().connection_made(transport)
        self._wait(HEAD_SECONDS)
        if len(self.connections) > self.most:
            others = [c for c in self.connections if isinstance(c, LimitedConnection)]
            others.remove(self)
            log.warning("all %d connections are taken; one is closed", self.most)
            heaviest(others).transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        self._stop_waiting()
        self.resume_writing()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse what arrives; refuse a head over the limits."""
        if self._in_head:
            self._head_bytes += len(data)
            if self._timer is None:
                self._wait(HEAD_SECONDS)
        super().data_received(data)
        if self._in_head and self._head_bytes > MOST_HEAD:
            self._refuse()

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header."""
        if len(self.headers) < MOST_LINES:  # one more shows that there are too many
            super().on_header(name, value)
        elif len(self.headers) == MOST_LINES:
            self.headers.append((name, b""))

    def on_headers_complete(self) -> None:
        """Start the request, or refuse it."""
        self._stop_waiting()
        self._in_head, self._in_body, self._head_bytes = False, True, 0
        size = len(self.url) + sum(len(name) + len(value) for name, value in self.headers)
        if size > MOST_HEAD or len(self.headers) > MOST_LINES:
            self._refuse()
        elif len(self.pipeline) >= MOST_PIPELINED:
            self.transport.abort()
        elif not self.transport.is_closing():
            super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Take a part of the body, unless the request was refused."""
        if not self.transport.is_closing():
            super().on_body(body)

    def on_message_complete(self) -> None:
        """End a request, after which another may begin."""
        self._in_head, self._in_body = True, False
        if not self.transport.is_closing():
            super().on_message_complete()
        if self.idle:
            self._stop_waiting()  # of lingering; uvicorn's own timeout has begun

    def on_response_complete(self) -> None:
        """Give a client that was answered early some time to finish its body."""
        super().on_response_complete()
        if self._in_body and not self.transport.is_closing():
            self._unset_keepalive_if_required()
            self._wait(LINGER_SECONDS)

    def pause_writing(self) -> None:
        """Give the client some time to read what is waiting for it."""
        super().pause_writing()
        if self._stalled is None:
            self._stalled = self.loop.call_later(STALL_SECONDS, self.transport.abort)

    def resume_writing(self) -> None:
        """Go on once it has read enough."""
        super().resume_writing()
        if self._stalled is not None:
            self._stalled.cancel()
            self._stalled = None

    def _wait(self, seconds: float) -> None:
        self._stop_waiting()
        self._timer = self.loop.call_later(seconds, self.transport.abort)

    def _stop_waiting(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _refuse(self) -> None:
        """Answer 431 and close."""
        if self.transport.is_closing():
            return
        text = (
            b'{"error":"too_large","detail":"The headers of the request are too large: send at '
            b'most 100, and 32 KB in all."}'
        )
        head = b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-type: application/json\r\n"
        head += b"connection: close\r\ncontent-length: %d\r\n\r\n" % len(text)
        self.transport.write(head + text)
        self.transport.close()


def heaviest(connections: Sequence[LimitedConnection]) -> LimitedConnection:
    """Return a connection of the address that holds the most: the oldest idle one, or the oldest.

    A trusted proxy counts as an address that holds one.

    Args:
        connections: At least one.
    """
    counts = Counter(c.address for c in connections if c.address not in c.proxies)
    return min(
        connections, key=lambda c: (-counts[c.address], not (c.idle and c.settled), c.opened)
    )


def limited(settings: Settings) -> type[LimitedConnection]:
    """Return the class of a server's connections, and raise its limit of open files.

    A connection is a descriptor: more than the system grants are never accepted, so that files and
    the database can still be opened.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = settings.max_connections + OWN_FILES
    if soft != resource.RLIM_INFINITY and soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    granted = wanted if soft == resource.RLIM_INFINITY else soft
    most = min(settings.max_connections, max(granted - OWN_FILES, granted // 2))

    class Connection(LimitedConnection):
        pass

    Connection.most = most
    Connection.proxies = _TrustedHosts(settings.proxies)  # type: ignore[assignment]
    return Connection
