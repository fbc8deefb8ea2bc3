"""Decoder processes that are started on demand, shared by threads, and replaced if they die."""

from __future__ import annotations

import threading
from contextlib import suppress
from typing import Any

from app.core.settings import Settings
from app.media.decoder.process import DecoderNotStarted, DecoderProcess, Part

REQUESTS_A_PROCESS = 100  # then a new process, so that no leak grows


class DecodersBusy(Exception):
    """No process became free in time."""


class DecoderPool:
    """At most `size` decoder processes; each serves one request at a time."""

    def __init__(self, settings: Settings, size: int = 1) -> None:
        self._settings = settings
        self._places = threading.Semaphore(size)
        self._lock = threading.Lock()
        self._idle: list[DecoderProcess] = []
        self._busy: set[DecoderProcess] = set()
        self._closed = False

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
            seconds: How long the answer may take.
            part: Called with each part of a file that comes ahead of the answer.
            wait_seconds: How long to wait for a free process; None for as long as it takes.

        Raises:
            DecodersBusy: No process became free within `wait_seconds`.
            DecoderDied: The process ended; DecoderNotStarted if it could not start.
            DecoderTimedOut: The answer took too long.
        """
        if not self._places.acquire(timeout=wait_seconds):
            raise DecodersBusy
        try:
            process = self._take()
            try:
                return process.ask(request, seconds, part)
            finally:
                self._give_back(process)
        finally:
            self._places.release()

    def warm(self) -> None:
        """Start a process ahead of the first request."""
        with self._places, suppress(DecoderNotStarted):  # closed meanwhile
            self._give_back(self._take())

    def close(self) -> None:
        """End all processes at once: requests in progress, and later ones, raise DecoderDied."""
        with self._lock:
            self._closed = True
            for process in self._busy:
                process.kill()  # its own thread closes it
            while self._idle:
                self._idle.pop().close()

    def _take(self) -> DecoderProcess:
        with self._lock:
            if self._closed:
                raise DecoderNotStarted
            process = self._idle_process() or DecoderProcess(self._settings)
            self._busy.add(process)
            return process

    def _idle_process(self) -> DecoderProcess | None:
        while self._idle:
            process = self._idle.pop()
            if process.alive and process.requests < REQUESTS_A_PROCESS:
                return process
            process.close()
        return None

    def _give_back(self, process: DecoderProcess) -> None:
        with self._lock:
            self._busy.remove(process)
            if process.alive and not self._closed:
                self._idle.append(process)
            else:
                process.close()
