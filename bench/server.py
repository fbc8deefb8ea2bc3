"""Servers for timings, each with its own folder."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

READY_SECONDS = 300.0  # long, since the machine may be busy
EXAMPLES = Path(__file__).resolve().parents[1] / "static" / "examples"


@dataclass(frozen=True)
class Served:
    """A running server: its URL, its process and the seconds until its first answer."""

    url: str
    process: subprocess.Popen[bytes]
    seconds: float


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


@contextmanager
def serving(command: Sequence[str], port: int, **settings: str) -> Iterator[Served]:
    """Start a server, wait until it answers `/healthz` on `port`, and stop it at the end."""
    began = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", *command],
        env={**os.environ, **settings},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait(process, port)
        yield Served(f"http://127.0.0.1:{port}", process, time.perf_counter() - began)
    finally:
        process.terminate()
        process.wait(20)


@contextmanager
def sightline(home: Path, **more: str) -> Iterator[Served]:
    """Start `python -m app` with its worker and default settings, except for `more`."""
    port = free_port()
    settings = {
        "SIGHTLINE_HOME": str(home),
        "SIGHTLINE_PORT": str(port),
        "SIGHTLINE_QUEUE": "local",
        "SIGHTLINE_DATABASE_URL": "",
        "SIGHTLINE_BLOBS": "",
        "SIGHTLINE_UPLOADS_PER_MINUTE": "0",
    }
    with serving(["app"], port, **settings, **more) as served:
        yield served


def _wait(process: subprocess.Popen[bytes], port: int) -> None:
    """Wait until `/healthz` answers; polled every 5 ms over a plain socket."""
    until = time.perf_counter() + READY_SECONDS
    while time.perf_counter() < until:
        if process.poll() is not None:
            raise SystemExit(f"The server ended with status {process.returncode}.")
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
                connection.sendall(b"GET /healthz HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n")
                if b" 200 " in connection.recv(64):
                    return
        except OSError:
            pass
        time.sleep(0.005)
    raise SystemExit("The server did not answer in time.")


def analyse(client: httpx.Client, photo: Path, **more: object) -> dict[str, Any]:
    """Upload a photo or clip, request an analysis, by default except for `more`, and wait."""
    until = time.perf_counter() + READY_SECONDS
    while client.get("/readyz").status_code != 200:
        _sleep(until, "no worker got ready")
    with photo.open("rb") as file:
        media = client.post("/api/v1/media", files={"file": (photo.name, file)}).raise_for_status()
    response = client.post("/api/v1/analyses", json={"media_id": media.json()["id"], **more})
    analysis: dict[str, Any] = response.raise_for_status().json()
    while analysis["state"] in ("queued", "running"):
        _sleep(until, "the analysis did not end")
        analysis = client.get(analysis["links"]["self"]).raise_for_status().json()
    if analysis["state"] != "succeeded":
        raise SystemExit(f"The analysis {analysis['state']}: {analysis['detail']}")
    return analysis


def _sleep(until: float, problem: str) -> None:
    if time.perf_counter() > until:
        raise SystemExit(f"The server is too slow: {problem}.")
    time.sleep(0.05)
