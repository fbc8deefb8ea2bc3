"""Starts the local workers and replaces those that die.

Those of `inference` always run (`SIGHTLINE_WORKERS` says how many), so that a visitor's photo
need not wait for one to start.
Those of `training` and `preparation` start when a job waits and exit after `IDLE_SECONDS` without
one, which keeps an idle server small.
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
FIRST_PAUSE = 0.25  # seconds before a dead worker is replaced; doubles while workers die young
LAST_PAUSE = 5.0
YOUNG = 5.0
STOP_SECONDS = 5.0
IDLE_SECONDS = 30.0  # after which a worker that was started on demand exits


class Supervisor(threading.Thread):
    """Keeps one worker of a queue running: always, or (with `idle_seconds`) while jobs wait."""

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
        """Start a worker whenever there is none, or when a job waits for one."""
        pause = FIRST_PAUSE
        while self._wait_for_demand():
            started = time.monotonic()
            worked = self._run_one(f"local:{socket.gethostname()[:64]}:{secrets.token_hex(8)}")
            worked = worked or time.monotonic() - started > YOUNG
            pause = FIRST_PAUSE if worked else min(2 * pause, LAST_PAUSE)
            self._stopping.wait(pause)

    def begin_stop(self) -> None:
        """Tell the worker to exit, without waiting for it."""
        self._stopping.set()
        self._wanted.set()
        with self._lock:
            process = self._process
        if process is not None:
            process.terminate()
            self._doorbell.ring(self._queue, "")  # wakes it if it is waiting for a job

    def stop(self) -> None:
        """Stop the worker: it gives its job back; if it hangs, it is killed."""
        self.begin_stop()
        with self._lock:
            process = self._process
        if process is not None:
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
        self.join(timeout=STOP_SECONDS)

    def _wait_for_demand(self) -> bool:
        """Wait until there is a reason to start a worker; False when told to stop."""
        if self._idle_seconds:
            self._wanted.wait()
        return not self._stopping.is_set()

    def _run_one(self, name: str) -> bool:
        """Start a worker and wait for its exit; True if it still had a job then."""
        with self._lock:
            if self._stopping.is_set():
                return False
            self._process = process = self._start(name)
        assert process.stdin is not None
        self._wanted.clear()
        pipe = process.stdin.fileno()
        self._doorbell.attach(self._queue, pipe)
        try:
            status = process.wait()
        finally:
            self._doorbell.detach(self._queue, pipe)
            process.stdin.close()
        if status and not self._stopping.is_set():
            log.warning("the worker exited with status %d; starting another", status)
            self._wanted.set()
        return self._requeue_jobs(name)

    def _requeue_jobs(self, name: str) -> bool:
        try:
            return self._reaper.worker_died(name)
        except Exception:
            log.exception("cannot requeue the worker's jobs now; the reaper will, by heartbeat")
            return False

    def _start(self, name: str) -> subprocess.Popen[bytes]:
        idle = ["--idle-seconds", str(self._idle_seconds)] if self._idle_seconds else []
        path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
        shared = {**os.environ, **self._settings.as_environment(), "PYTHONPATH": path}
        if self._queue == INFERENCE and self._settings.workers > 1:
            cores = max(1, (os.cpu_count() or 1) // self._settings.workers)
            shared.setdefault("OMP_NUM_THREADS", str(cores))  # each would take all of them
        return subprocess.Popen(
            [sys.executable, "-m", PROGRAM, "--name", name, "--queue", self._queue, *idle],
            stdin=subprocess.PIPE,
            env=shared,
            start_new_session=True,  # Ctrl-C goes to the server, which stops the worker in order
        )


class Supervisors:
    """The workers of all queues."""

    def __init__(self, settings: Settings, reaper: Reaper, doorbell: LocalDoorbell) -> None:
        on_demand = [(queue, IDLE_SECONDS) for queue in (TRAINING, PREPARATION)]
        self._all = [
            Supervisor(settings, reaper, doorbell, queue, idle)
            for queue, idle in [*[(INFERENCE, 0.0)] * settings.workers, *on_demand]
        ]

    def start(self) -> None:
        """Start supervising."""
        for supervisor in self._all:
            supervisor.start()

    def stop(self) -> None:
        """Stop all workers at the same time."""
        for supervisor in self._all:
            supervisor.begin_stop()
        for supervisor in self._all:
            supervisor.stop()
