"""Keeps the local workers alive: starts them, rings their pipes, replaces those that die.

The worker of `inference` always runs, so that a visitor's photo need not wait for it. Those of
`training` and `preparation` are started when a job waits for them, and end by themselves when
they have had nothing to do for a while: an idle server stays small.
"""

from __future__ import annotations

import logging
import os
import secrets
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

from app.core.settings import Settings
from app.jobs.doorbell import LocalDoorbell
from app.jobs.parameters import INFERENCE, PREPARATION, TRAINING
from app.jobs.reaper import Reaper

log = logging.getLogger(__name__)
PROGRAM = "worker.local"
ROOT = Path(__file__).parents[2]
FIRST_PAUSE = 0.25  # seconds before a dead worker is replaced; doubles while none gets to work
LAST_PAUSE = 5.0
YOUNG = 5.0
STOP_SECONDS = 5.0
IDLE_SECONDS = 30.0  # after which a worker that was started on demand ends


class Supervisor(threading.Thread):
    """One worker process of a queue: always, or (with `idle_seconds`) when a job waits."""

    def __init__(
        self,
        settings: Settings,
        reaper: Reaper,
        doorbell: LocalDoorbell,
        queue: str = INFERENCE,
        idle_seconds: float = 0.0,
    ) -> None:
        super().__init__(name=f"supervisor of {queue}", daemon=True)
        self._settings = settings
        self._reaper = reaper
        self._doorbell = doorbell
        self._queue = queue
        self._idle_seconds = idle_seconds
        self._wanted = doorbell.unheard(queue)
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None

    def run(self) -> None:
        """Start a worker whenever there is none, or when one is wanted."""
        pause = FIRST_PAUSE
        while self._awaited():
            started = time.monotonic()
            worked = self._run_one(f"local:{socket.gethostname()[:64]}:{secrets.token_hex(8)}")
            worked = worked or time.monotonic() - started > YOUNG
            pause = FIRST_PAUSE if worked else min(2 * pause, LAST_PAUSE)
            self._stopping.wait(pause)

    def begin_stop(self) -> None:
        """Tell the worker to end, without waiting for it."""
        self._stopping.set()
        self._wanted.set()
        with self._lock:
            process = self._process
        if process is not None:
            process.terminate()
            self._doorbell.ring(self._queue, "")  # it may be waiting, and then looks up at once

    def stop(self) -> None:
        """End the worker: it gives back what it works on; one that hangs is killed."""
        self.begin_stop()
        with self._lock:
            process = self._process
        if process is not None:
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
        self.join(timeout=STOP_SECONDS)

    def _awaited(self) -> bool:
        """Wait until there is a reason to start a worker; False when told to stop."""
        if self._idle_seconds:
            self._wanted.wait()
        return not self._stopping.is_set()

    def _run_one(self, name: str) -> bool:
        """Start a worker and wait for its end; True where it had a job in hand then."""
        with self._lock:
            if self._stopping.is_set():
                return False
            self._process = process = self._start(name)
        assert process.stdin is not None
        self._wanted.clear()
        self._doorbell.attach(self._queue, process.stdin.fileno())
        try:
            status = process.wait()
        finally:
            self._doorbell.attach(self._queue, None)
            process.stdin.close()
        if status and not self._stopping.is_set():
            log.warning("the worker ended with status %d; starting another", status)
            self._wanted.set()
        return self._take_back(name)

    def _take_back(self, name: str) -> bool:
        try:
            return self._reaper.worker_died(name)
        except Exception:
            log.exception("what the worker held is taken back later, when its heartbeat is stale")
            return False

    def _start(self, name: str) -> subprocess.Popen[bytes]:
        idle = ["--idle-seconds", str(self._idle_seconds)] if self._idle_seconds else []
        path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
        return subprocess.Popen(
            [sys.executable, "-m", PROGRAM, "--name", name, "--queue", self._queue, *idle],
            stdin=subprocess.PIPE,
            env={**os.environ, **self._settings.as_environment(), "PYTHONPATH": path},
            start_new_session=True,  # Ctrl-C is for the server, which ends the worker in order
        )


class Supervisors:
    """The workers of all queues."""

    def __init__(self, settings: Settings, reaper: Reaper, doorbell: LocalDoorbell) -> None:
        on_demand = [(queue, IDLE_SECONDS) for queue in (TRAINING, PREPARATION)]
        self._all = [
            Supervisor(settings, reaper, doorbell, queue, idle)
            for queue, idle in [(INFERENCE, 0.0), *on_demand]
        ]

    def start(self) -> None:
        """Begin to watch."""
        for one in self._all:
            one.start()

    def stop(self) -> None:
        """End all workers, at the same time."""
        for one in self._all:
            one.begin_stop()
        for one in self._all:
            one.stop()
