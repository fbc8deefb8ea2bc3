"""Requests per second from one address: by wrk if it is installed, else by threads."""

from __future__ import annotations

import http.client
import re
import shutil
import subprocess
import threading
import time
from urllib.parse import urlsplit

CONNECTIONS = 16


def tool() -> str:
    """Return the name of the load generator."""
    return "wrk" if shutil.which("wrk") else "Python threads"


def requests_per_second(url: str, seconds: float) -> float:
    """Request `url` over 16 connections for `seconds`; return the rate."""
    if shutil.which("wrk"):
        return _wrk(url, seconds)
    counts = [0] * CONNECTIONS
    until = time.perf_counter() + seconds
    threads = [
        threading.Thread(target=_ask, args=(url, until, counts, i)) for i in range(CONNECTIONS)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(counts) / seconds


def _wrk(url: str, seconds: float) -> float:
    command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{max(1, round(seconds))}s", url]
    out = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    if "Non-2xx" in out or "Socket errors" in out:
        raise SystemExit(f"Some of wrk's requests failed:\n{out}")
    match = re.search(r"Requests/sec:\s+([0-9.]+)", out)
    assert match is not None, out
    return float(match.group(1))


def _ask(url: str, until: float, counts: list[int], index: int) -> None:
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=10)
    path = f"{parts.path}?{parts.query}"
    while time.perf_counter() < until:
        connection.request("GET", path)
        response = connection.getresponse()
        response.read()
        if response.status != 200:
            raise SystemExit(f"{url} answered {response.status}")
        counts[index] += 1
    connection.close()
