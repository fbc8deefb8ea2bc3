"""A server of a test's own, which it may kill and start again at the same address."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil

from tests.support.backend import wait_for

# What was running when the server died is taken up again soon.
QUICK = {
    "SIGHTLINE_HEARTBEAT_SECONDS": "0.5",
    "SIGHTLINE_STALE_SECONDS": "3",
    "SIGHTLINE_LOAD_AHEAD": "false",
}


class OwnServer:
    """`python -m app` with its own folder and a fixed port."""

    def __init__(self, home: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.address = f"http://127.0.0.1:{port}"
        self._environment = {"SIGHTLINE_HOME": str(home), "SIGHTLINE_PORT": str(port), **QUICK}
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, and wait until it answers."""
        self._process = subprocess.Popen(
            [sys.executable, "-m", "app"],
            env={**os.environ, **self._environment},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        wait_for(self._answers)

    def _answers(self) -> bool:
        with contextlib.suppress(httpx.TransportError):
            return httpx.get(f"{self.address}/healthz").is_success
        return False

    def hold_workers(self) -> None:
        """Suspend its workers, so that they finish nothing before it is killed."""
        wait_for(self._workers)
        for process in self._workers():
            process.suspend()

    def _workers(self) -> list[psutil.Process]:
        assert self._process
        children = psutil.Process(self._process.pid).children(recursive=True)
        return [child for child in children if "worker.local" in child.cmdline()]

    def kill(self) -> None:
        """Kill it and its worker without a warning."""
        if self._process is None:
            return
        everything = psutil.Process(self._process.pid).children(recursive=True)
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()
        for process in everything:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(everything)
        self._process = None


@contextlib.contextmanager
def own_server(home: Path) -> Iterator[OwnServer]:
    """A running server, gone at the end."""
    server = OwnServer(home)
    server.start()
    try:
        yield server
    finally:
        server.kill()
