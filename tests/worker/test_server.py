"""`python -m app`: small, quick, and gone without a trace when told to go."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import psutil

from tests.support.backend import wait_for

ENVIRONMENT = {"SIGHTLINE_PORT": "0", "SIGHTLINE_LOAD_AHEAD": "false"}
HEAVY = ("torch", "torchvision", "numpy", "PIL", "matplotlib", "alembic", "celery", "plotly")


@contextlib.contextmanager
def started(home: Path, **environment: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A real server on a free port; its process and its address."""
    server = subprocess.Popen(
        [sys.executable, "-m", "app"],
        env={**os.environ, **ENVIRONMENT, "SIGHTLINE_HOME": str(home), **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        assert server.stdout is not None
        yield server, server.stdout.readline().split()[-1]
    finally:
        server.kill()
        server.communicate()


def answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(f"{address}/healthz", timeout=30) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def workers_of(server: subprocess.Popen[str]) -> list[psutil.Process]:
    children = psutil.Process(server.pid).children(recursive=True)
    return [child for child in children if "worker.local" in " ".join(child.cmdline())]


def test_two_servers_run_side_by_side_small_and_stop_with_all_of_it(tmp_path: Path) -> None:
    """One is told to stop by SIGTERM, the other by SIGINT."""
    with started(tmp_path / "a") as one, started(tmp_path / "b") as other:
        assert one[1] != other[1]
        wait_for(lambda: answers(one[1]) and answers(other[1]))
        holds_nothing_heavy(one[0])
        stops_all_of_it(one[0], signal.SIGTERM)
        assert answers(other[1])
        stops_all_of_it(other[0], signal.SIGINT)


def holds_nothing_heavy(server: subprocess.Popen[str]) -> None:
    process = psutil.Process(server.pid)
    assert process.memory_info().rss < 100e6
    loaded = {Path(region.path).parts for region in process.memory_maps()}
    assert not any(name in parts for parts in loaded for name in HEAVY)


def stops_all_of_it(server: subprocess.Popen[str], number: signal.Signals) -> None:
    wait_for(lambda: workers_of(server))
    everything = psutil.Process(server.pid).children(recursive=True)
    server.send_signal(number)
    assert server.wait(30) == 0
    assert not [process for process in everything if process.is_running()]


def test_the_web_imports_nothing_heavy() -> None:
    script = "import sys, app.__main__, app.main; print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert not {name.split(".")[0] for name in run.stdout.split()} & set(HEAVY)


def test_a_killed_server_leaves_no_worker(tmp_path: Path) -> None:
    with started(tmp_path) as (server, address):
        wait_for(lambda: answers(address) and workers_of(server))
        everything = psutil.Process(server.pid).children(recursive=True)
        server.kill()
        psutil.wait_procs(everything, timeout=60)
        assert not [process for process in everything if process.is_running()]


def test_a_port_that_is_taken_is_named(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])
        environment = {**os.environ, "SIGHTLINE_HOME": str(tmp_path), "SIGHTLINE_PORT": port}
        run = subprocess.run(
            [sys.executable, "-m", "app"], env=environment, capture_output=True, text=True
        )
    assert run.returncode == 2
    assert run.stderr.startswith(f"Port {port} of 127.0.0.1 cannot be used")


def test_a_setting_that_cannot_be_is_named(tmp_path: Path) -> None:
    environment = {**os.environ, "SIGHTLINE_HOME": str(tmp_path), "SIGHTLINE_QUEUE": "pigeon"}
    run = subprocess.run(
        [sys.executable, "-m", "app"], env=environment, capture_output=True, text=True
    )
    assert run.returncode == 2
    assert run.stderr.startswith("SIGHTLINE_QUEUE: ")
