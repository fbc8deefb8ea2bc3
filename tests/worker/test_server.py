"""`python -m app`: small, quick, and gone without a trace when told to go."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil

from app.core.settings import Settings
from tests.support.backend import photo, wait_for
from tests.support.processes import command_line, still_running
from tests.support.server_settings import SERVERS
from tests.support.signing_in import bearer

ENVIRONMENT = {"SIGHTLINE_PORT": "0", "SIGHTLINE_LOAD_AHEAD": "false"}
HEAVY = ("torch", "torchvision", "matplotlib", "celery")


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
    return [child for child in children if "worker.local" in command_line(child)]


def test_two_servers_run_side_by_side_small_and_stop_with_all_of_it(tmp_path: Path) -> None:
    """One is told to stop by Ctrl-C, the other is killed; SIGTERM stops the fixture `server`."""
    with started(tmp_path / "a") as one, started(tmp_path / "b") as other:
        assert one[1] != other[1]
        wait_for(lambda: answers(one[1]) and answers(other[1]))
        holds_nothing_heavy(one[0])
        wait_for(lambda: workers_of(one[0]) and workers_of(other[0]))
        with nothing_left(one[0]):
            one[0].send_signal(signal.SIGINT)
            assert one[0].wait(30) == 0
        assert answers(other[1])
        with nothing_left(other[0], seconds=60):
            other[0].kill()


def holds_nothing_heavy(server: subprocess.Popen[str]) -> None:
    process = psutil.Process(server.pid)
    assert process.memory_info().rss < 130e6
    if os.geteuid() != 0:
        return  # `app.core.privacy`: only root may look into it
    loaded = {Path(region.path).parts for region in process.memory_maps()}
    assert not any(name in parts for parts in loaded for name in HEAVY)


@contextlib.contextmanager
def nothing_left(server: subprocess.Popen[str], seconds: float = 0) -> Iterator[None]:
    """The server's processes are gone soon after what the `with` does."""
    everything = psutil.Process(server.pid).children(recursive=True)
    yield
    assert not still_running(everything, seconds)


def test_the_web_imports_nothing_heavy() -> None:
    script = "import sys, app.__main__, app.main; print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert not {name.split(".")[0] for name in run.stdout.split()} & set(HEAVY)


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


def web_processes_of(server: subprocess.Popen[str]) -> list[psutil.Process]:
    children = psutil.Process(server.pid).children()
    return [child for child in children if "app.serve" in command_line(child)]


def test_several_web_processes_are_one_server(tmp_path: Path) -> None:
    """They count together, wake the workers, are replaced, and are gone when told to stop."""
    with started(tmp_path, SIGHTLINE_WEB_PROCESSES="2", SIGHTLINE_UPLOADS_PER_MINUTE="3") as one:
        server, address = one
        wait_for(lambda: answers(address) and len(web_processes_of(server)) == 2)
        asked = [answers(address) for _ in range(20)]
        assert all(asked)
        SERVERS[address] = Settings(home=tmp_path)
        with httpx.Client(base_url=address) as admin:
            counted = admin.get("/metrics", headers=bearer(admin, "read")).text
        line = re.search(
            r'requests_total\{method="GET",route="/healthz",status="200"\} (\d+)', counted
        )
        assert line is not None
        assert int(line[1]) >= len(asked)
        with httpx.Client(base_url=f"{address}/api/v1", timeout=60) as visitor:
            sent = [send(visitor, address, n) for n in range(4)]
            assert [answer.status_code for answer in sent] == [201, 201, 201, 429]
            wait_for(lambda: httpx.get(f"{address}/readyz").status_code == 200)
            body = {"media_id": sent[0].json()["id"], "models": ["plain"]}
            made = visitor.post("/analyses", json=body).json()
            state = f"/analyses/{made['id']}"
            wait_for(lambda: visitor.get(state).json()["state"] == "succeeded")
        before = web_processes_of(server)
        before[0].kill()
        wait_for(lambda: len(web_processes_of(server)) == 2 and answers(address))
        with nothing_left(server, seconds=60):
            server.send_signal(signal.SIGTERM)
            assert server.wait(30) == 0
    with started(tmp_path, SIGHTLINE_WEB_PROCESSES="2") as (server, address):
        wait_for(lambda: answers(address))
        with nothing_left(server, seconds=60):
            server.kill()


def send(visitor: httpx.Client, address: str, number: int) -> httpx.Response:
    """Upload a photo over a connection of its own: whichever process takes it."""
    files = {"file": ("a.jpg", photo(number))}
    answer = httpx.post(
        f"{address}/api/v1/media", files=files, cookies=dict(visitor.cookies), timeout=60
    )
    visitor.cookies.update(answer.cookies)
    return answer
