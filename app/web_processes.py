"""Starts the web processes that share a socket, and replaces those that die."""

from __future__ import annotations

import contextlib
import logging
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from app.core.settings import Settings
from app.jobs.doorbell import Doorbell, relay

log = logging.getLogger(__name__)
PROGRAM = "app.serve"
ROOT = Path(__file__).parents[1]
LOOK_SECONDS = 0.2
PAUSE_SECONDS = 1.0  # before a dead one is replaced
STOP_SECONDS = 5.0
METRICS = "PROMETHEUS_MULTIPROC_DIR"  # where prometheus_client adds up over processes


def run(settings: Settings, listener: socket.socket, doorbell: Doorbell) -> None:
    """Keep `WEB_PROCESSES` running until an exception, such as SystemExit, ends it.

    Args:
        settings: For all of them.
        listener: The socket, bound.
        doorbell: That of this process, which has the workers.
    """
    listener.listen()
    heard, rings = os.pipe()
    threading.Thread(target=relay, args=(heard, doorbell), name="relay", daemon=True).start()
    with tempfile.TemporaryDirectory(prefix="sightline-metrics-") as metrics:
        running: list[subprocess.Popen[bytes]] = []
        try:
            while True:
                for dead in [process for process in running if process.poll() is not None]:
                    log.warning("a web process exited with status %d", dead.returncode)
                    running.remove(dead)
                    _close(dead)
                    time.sleep(PAUSE_SECONDS)
                while len(running) < settings.web_processes:
                    running.append(_start(settings, listener.fileno(), rings, metrics))
                time.sleep(LOOK_SECONDS)
        finally:
            _stop(running)
            os.close(rings)


def _start(settings: Settings, listener: int, rings: int, metrics: str) -> subprocess.Popen[bytes]:
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    own = {**settings.as_environment(), "PYTHONPATH": path, METRICS: metrics}
    return subprocess.Popen(
        [sys.executable, "-m", PROGRAM, "--socket", str(listener), "--rings", str(rings)],
        stdin=subprocess.PIPE,
        env={**os.environ, **own},
        pass_fds=(listener, rings),
        start_new_session=True,  # Ctrl-C goes to the parent, which stops them in order
    )


def _stop(running: list[subprocess.Popen[bytes]]) -> None:
    for process in running:
        process.terminate()
    ends = time.monotonic() + STOP_SECONDS
    for process in running:
        try:
            process.wait(max(0.0, ends - time.monotonic()))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        _close(process)


def _close(process: subprocess.Popen[bytes]) -> None:
    assert process.stdin is not None
    with contextlib.suppress(OSError):
        process.stdin.close()
