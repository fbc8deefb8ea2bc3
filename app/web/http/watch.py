"""Follows rows for any number of event streams, with one query at a time for all of them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any, Generic, TypeVar

from starlette.concurrency import run_in_threadpool

log = logging.getLogger(__name__)
POLL_SECONDS = 0.1
AT_FULL_RATE = 50  # rows; more are read less often, so that the cost per second does not grow
SHARED_SECONDS = 1.0  # that a made event is kept for other streams
RETRY_SECONDS = 1.0  # after an error of the database
Value = TypeVar("Value")


class News(Generic[Value]):
    """What one stream has not seen yet of its row."""

    def __init__(self) -> None:
        self._queue: asyncio.Queue[Value | None] = asyncio.Queue()

    def put(self, value: Value | None) -> None:
        """Add the row's new value; None if the row is gone."""
        self._queue.put_nowait(value)

    async def next(self, seconds: float) -> Value | None:
        """Return the newest value, None if the row is gone; TimeoutError if nothing changes."""
        value = await asyncio.wait_for(self._queue.get(), seconds)
        while not self._queue.empty():
            value = self._queue.get_nowait()
        return value


class Watch(Generic[Value]):
    """One task reads all rows that are followed, and passes on what has changed.

    Args:
        read: Returns the values of the rows that exist, by key; runs in a thread.
        seconds: Least time between two reads of a row.
    """

    def __init__(
        self, read: Callable[[Sequence[str]], dict[str, Value]], seconds: float = POLL_SECONDS
    ) -> None:
        self._read = read
        self._seconds = seconds
        self._followers: dict[str, list[News[Value]]] = {}
        self._last: dict[str, Value | None] = {}
        self._new: set[str] = set()
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._events: dict[tuple[str, int], asyncio.Task[Any]] = {}

    @contextmanager
    def follow(self, key: str) -> Iterator[News[Value]]:
        """Follow a row inside the `with`; its first news is the value that it has now."""
        news: News[Value] = News()
        if key in self._last:
            news.put(self._last[key])
        else:
            self._new.add(key)
        self._followers.setdefault(key, []).append(news)
        self._start()
        try:
            yield news
        finally:
            self._leave(key, news)

    async def event(self, key: str, revision: int, make: Callable[[], Any]) -> Any:
        """Return what `make` returns in a thread, once for all streams of a row's revision."""
        task = self._events.get((key, revision))
        if task is None:
            loop = asyncio.get_running_loop()
            task = self._events[key, revision] = loop.create_task(run_in_threadpool(make))
            loop.call_later(SHARED_SECONDS, self._events.pop, (key, revision), None)
        return await asyncio.shield(task)

    def _start(self) -> None:
        if self._task is None or self._task.done():
            self._wake = asyncio.Event()
            self._task = asyncio.get_running_loop().create_task(self._poll())
        self._wake.set()

    def _leave(self, key: str, news: News[Value]) -> None:
        self._followers[key].remove(news)
        if not self._followers[key]:
            del self._followers[key]
            self._last.pop(key, None)

    async def _poll(self) -> None:
        """Read until nobody follows anything: new rows at once, all rows in turn."""
        clock = asyncio.get_running_loop().time
        due = clock()
        while self._followers:
            self._wake.clear()
            everything = clock() >= due
            keys = [key for key in self._followers if everything or key in self._new]
            self._new.clear()
            if everything:
                due = clock() + self._seconds * max(1.0, len(keys) / AT_FULL_RATE)
            if keys and not await self._tell(keys):
                due = clock() + RETRY_SECONDS
            with suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), max(0.0, due - clock()))

    async def _tell(self, keys: Sequence[str]) -> bool:
        """Pass on what has changed; False if the rows cannot be read."""
        try:
            values = await run_in_threadpool(self._read, keys)
        except Exception:  # whatever it is, the next read may be right
            log.exception("cannot read what %d streams follow", len(keys))
            return False
        for key in keys:
            value = values.get(key)
            if key in self._followers and not (key in self._last and self._last[key] == value):
                self._last[key] = value
                for news in self._followers[key]:
                    news.put(value)
        return True
