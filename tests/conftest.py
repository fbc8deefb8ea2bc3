"""Services that tests need; tests of missing ones are skipped, and the last lines list them.

With `SIGHTLINE_REQUIRE_SERVICES=1` (as in CI) a missing service is a failure.
"""

from __future__ import annotations

import os
import random
import re
import shutil
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import psutil
import pytest

import ml  # noqa: F401 (before torch: how its threads wait)
from app.core.settings import Settings
from tests.support.databases import postgres_database
from tests.support.processes import still_running
from tests.support.server_settings import SERVERS

REDIS = os.environ.get("SIGHTLINE_TEST_REDIS", "redis://127.0.0.1:6379")
POSTGRES = os.environ.get(
    "SIGHTLINE_TEST_POSTGRES", "postgresql+psycopg://postgres@127.0.0.1:5432/postgres"
)
LONG = ("browser", "worker")
# Files in the folders of `make test-fast` that train, draw or start something.
SLOW = frozenset(
    [
        "commands",
        "distributed",
        "explaining",
        "figure",
        "readme_runs",
        "registry",
        "resume",
        "shipped",
        "shipped_clips",
        "train_clips",
        "train_run",
        "train_trial",
        "training",
        "video_checkpoints",
        "video_explaining",
        "video_networks",
        "video_weights",
    ]
)
MISSING = " is missing here"
ROOT = Path(__file__).resolve().parents[1]
READY_SECONDS = 300  # importing torch on a busy machine takes its time
# Two test processes and their servers share the cores; torch has not been imported yet.
os.environ.setdefault("OMP_NUM_THREADS", "1")


def leave_out(what: str, *, service: bool = True) -> None:
    """Skip the test because `what` is missing; fail if services are required."""
    if service and os.environ.get("SIGHTLINE_REQUIRE_SERVICES") == "1":
        pytest.fail(f"{what} is required here and missing")
    pytest.skip(what + MISSING)


def _listens(url: str) -> bool:
    parts = urlsplit(url)
    try:
        with socket.create_connection((parts.hostname or "", parts.port or 0), timeout=1):
            return True
    except OSError:
        return False


@pytest.fixture(autouse=True)
def _process_state_is_restored() -> Iterator[None]:
    """A test must restore what child processes inherit: folder, scheduling, PYTHONPATH."""
    before = _inherited()
    yield
    assert _inherited() == before


def _inherited() -> tuple[object, ...]:
    urgency = os.sched_getscheduler(0) if hasattr(os, "sched_getscheduler") else None
    return Path.cwd(), urgency, os.environ.get("PYTHONPATH")


@pytest.fixture(scope="session", autouse=True)
def _weights() -> Iterator[None]:
    """Training starts from the weights that come along, so no test waits for a download."""
    from ml.networks.weights import SHIPPED

    with pytest.MonkeyPatch.context() as patch:
        if "SIGHTLINE_WEIGHTS_DIR" not in os.environ:
            patch.setenv("SIGHTLINE_WEIGHTS_DIR", str(SHIPPED))
        yield


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """The folder of `SIGHTLINE_DATA`."""
    folder = os.environ.get("SIGHTLINE_DATA", "")
    if not folder or not Path(folder).is_dir():
        leave_out("SIGHTLINE_DATA", service=False)
    return Path(folder)


@pytest.fixture(scope="session")
def chromium() -> str:
    """Path of a Chromium or Chrome to drive."""
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if path := shutil.which(name):
            return path
    leave_out("Chromium")
    raise AssertionError


@pytest.fixture(scope="session")
def postgres() -> str:
    """Address of the PostgreSQL server."""
    if not _listens(POSTGRES):
        leave_out("PostgreSQL")
    return POSTGRES


@contextmanager
def redis_database() -> Iterator[str]:
    """Address of an empty Redis database for this process, emptied afterwards."""
    if not _listens(REDIS):
        leave_out("Redis")
    import redis

    place = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0")[2:])
    count = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    numbers = range(1 + place, 16, count)
    for number in random.sample(numbers, len(numbers)):
        with redis.Redis.from_url(f"{REDIS}/{number}") as client:
            if client.dbsize() == 0:
                yield f"{REDIS}/{number}"
                client.flushdb()
                return
    leave_out("an empty Redis database")


@pytest.fixture
def redis_url() -> Iterator[str]:
    """Address of an empty Redis database."""
    with redis_database() as url:
        yield url


@pytest.fixture
def postgres_url(postgres: str) -> Iterator[str]:
    """Address of a new PostgreSQL database, migrated."""
    with postgres_database(postgres) as url:
        yield url


@pytest.fixture
def empty_postgres_url(postgres: str) -> Iterator[str]:
    """Address of a new PostgreSQL database without a table."""
    with postgres_database(postgres, migrated=False) as url:
        yield url


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of `python -m app` with an empty `HOME`, ready to analyse.

    `SIGHTLINE_TEST_SERVER=http://...` uses a running server instead.
    """
    if running := os.environ.get("SIGHTLINE_TEST_SERVER"):
        yield running
        return
    home = tmp_path_factory.mktemp("home")
    environment = {**os.environ, "SIGHTLINE_HOME": str(home), "SIGHTLINE_PORT": "0"}
    environment["SIGHTLINE_LOAD_AHEAD"] = "false"  # each of two processes needs some models only
    with (home / "log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "app"],
            cwd=ROOT,
            env=environment,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        address = _address(process, home / "log")
        SERVERS[address] = Settings(home=home)
        yield address
    finally:
        everything = psutil.Process(process.pid).children(recursive=True)
        process.terminate()
        assert process.wait(30) == 0
        assert not still_running(everything), "a worker outlived its server"


def _address(process: subprocess.Popen[bytes], log: Path) -> str:
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline:
        assert process.poll() is None, log.read_text()
        found = re.search(r"http://[\d.:]+", log.read_text())
        if found and _is_ready(found[0]):
            return found[0]
        time.sleep(0.2)
    raise AssertionError(log.read_text())


def _is_ready(address: str) -> bool:
    try:
        return httpx.get(f"{address}/readyz", timeout=30).status_code == 200
    except httpx.TransportError:
        return False


@pytest.hookimpl(tryfirst=True)  # before pytest-xdist reads the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Make each file a group for pytest-xdist, unless its tests name another group.

    Folders with long groups come first, so that both processes end at about the same time.
    """
    items.sort(key=lambda item: item.path.parent.name not in LONG)
    for item in items:
        if item.path.stem.removeprefix("test_") in SLOW:
            item.add_marker("slow")
        if item.get_closest_marker("xdist_group") is None:
            item.add_marker(pytest.mark.xdist_group(item.nodeid.partition("::")[0]))


def pytest_collection_finish(session: pytest.Session) -> None:
    """Fail if pytest-xdist has not read the groups, which tests that share a server need."""
    if getattr(session.config.option, "loadgroup", False):
        assert all("@" in item.nodeid for item in session.items), "pytest-xdist reads no groups"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """List the services whose tests were skipped."""
    reasons = [str(report.longrepr[2]) for report in terminalreporter.stats.get("skipped", [])]
    needs = [reason.removeprefix("Skipped: ") for reason in reasons if reason.endswith(MISSING)]
    for what, count in sorted(Counter(needs).items()):
        terminalreporter.write_line(f"Left out {count} tests, because {what}.")
