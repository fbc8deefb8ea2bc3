"""Decoder processes that are started on demand, shared by threads, and replaced if they die."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

from app.core.settings import MIB, Settings
from app.media.decoder.process import DecoderNotStarted, DecoderProcess, Part, Role

REQUESTS_A_PROCESS = 100  # then a new process, so that no leak grows
LARGE_BYTES = 8 * MIB  # a photo of more may not take the last place, as no clip may
PDF = b"%PDF-"  # nor may these: what a page will cost cannot be seen


class DecodersBusy(Exception):
    """No process became free in time."""


class DecoderPool:
    """At most `size` decoder processes; each serves one request at a time.

    Clips, PDFs and large photos together leave `reserve` places to small photos, which thus
    overtake them.

    Attributes:
        sandbox: What locks in the process that came up last; empty before the first.
    """

    def __init__(self, settings: Settings, size: int = 1, reserve: int = 0) -> None:
        self._settings = settings
        self._size = size
        self._places = threading.Semaphore(size)
        self._large_places = threading.Semaphore(max(1, size - reserve))
        self._lock = threading.Lock()
        self._idle: list[DecoderProcess] = []
        self._busy: set[DecoderProcess] = set()
        self._closed = False
        self.sandbox: dict[str, bool] = {}

    @property
    def processes(self) -> list[DecoderProcess]:
        """The processes that have been started and not replaced yet."""
        with self._lock:
            return [*self._idle, *self._busy]

    def ask(
        self,
        request: dict[str, Any],
        seconds: float,
        part: Part | None = None,
        wait_seconds: float | None = None,
    ) -> tuple[dict[str, Any], bytes]:
        """Return a process's answer and its payload.

        Args:
            request: What to do, as JSON.
            seconds: Processor time that the answer may take.
            part: Called with each part of a file that comes ahead of the answer.
            wait_seconds: How long to wait for a free process; None for as long as it takes.

        Raises:
            DecodersBusy: No process became free within `wait_seconds`.
            DecoderDied: The process ended; DecoderNotStarted if it could not start.
            DecoderOverspent: The answer took more processor time.
            DecoderTimedOut: Far more time than that has passed.
            DecoderUnsafe: It is less locked in than the settings demand.
            OSError: A file cannot be opened.
        """
        with self._place(large=_is_large(request), wait_seconds=wait_seconds):
            process = self._take(role_of(request))
            try:
                return process.ask(request, seconds, part)
            finally:
                self.sandbox = process.sandbox or self.sandbox
                self._give_back(process)

    def warm(self) -> None:
        """Start a process ahead of the first request."""
        with self._places, suppress(DecoderNotStarted):  # closed meanwhile
            self._give_back(self._take("photo"))

    def close(self) -> None:
        """End all processes at once: requests in progress, and later ones, raise DecoderDied."""
        with self._lock:
            self._closed = True
            for process in self._busy:
                process.kill()  # its own thread closes it
            while self._idle:
                self._idle.pop().close()

    @contextmanager
    def _place(self, *, large: bool, wait_seconds: float | None) -> Iterator[None]:
        deadline = None if wait_seconds is None else time.monotonic() + wait_seconds
        with ExitStack() as held:
            for places in [self._large_places, self._places] if large else [self._places]:
                left = None if deadline is None else max(0.0, deadline - time.monotonic())
                if not places.acquire(timeout=left):
                    raise DecodersBusy
                held.callback(places.release)
            yield

    def _take(self, role: Role) -> DecoderProcess:
        with self._lock:
            if self._closed:
                raise DecoderNotStarted
            process = self._idle_process(role) or DecoderProcess(self._settings, role)
            self._busy.add(process)
            return process

    def _idle_process(self, role: Role) -> DecoderProcess | None:
        """Return one of this role; without any, end one of the other if there are many."""
        for process in reversed([process for process in self._idle if process.role == role]):
            self._idle.remove(process)
            if process.alive and process.requests < REQUESTS_A_PROCESS:
                return process
            process.close()
        if self._idle and len(self._idle) + len(self._busy) > self._size:
            self._idle.pop(0).close()
        return None

    def _give_back(self, process: DecoderProcess) -> None:
        with self._lock:
            self._busy.remove(process)
            if process.alive and not self._closed:
                self._idle.append(process)
            else:
                process.close()


def role_of(request: dict[str, Any]) -> Role:
    """Return which kind of process answers a request."""
    return "clip" if request["do"].startswith("clip") else "photo"


def _is_large(request: dict[str, Any]) -> bool:
    if role_of(request) == "clip":
        return True
    if "path" not in request:
        return False
    with Path(request["path"]).open("rb") as file:
        return file.read(len(PDF)) == PDF or os.fstat(file.fileno()).st_size > LARGE_BYTES
