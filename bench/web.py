"""The web process: start, memory, and stored heatmaps against static files."""

from __future__ import annotations

import tempfile
from pathlib import Path
from statistics import median

import httpx
import psutil

from bench.load import requests_per_second, tool
from bench.report import Row, Section
from bench.server import EXAMPLES, Served, analyse, free_port, serving, sightline

MEGABYTE = 1e6


def section(rounds: int) -> Section:
    """Compare a few starts with a bare app; then request stored heatmaps."""
    starts = max(3, rounds // 8)
    with tempfile.TemporaryDirectory(prefix="sightline-bench-") as folder:
        home = Path(folder) / "home"
        rows, first = _starts(home, starts)
        with sightline(home) as served, httpx.Client(base_url=served.url, timeout=60) as client:
            rows += _heatmaps(served, client, Path(folder) / "files", max(3, rounds // 10))
            busy = memory(served)
        return Section(
            "The web process",
            tuple(rows),
            (
                f"The first start with a new folder, which creates the database: {first:.2f} s.",
                f"Resident after uploads, an analysis and the load: {busy:.0f} MB.",
                f"Load: {tool()}, 16 connections, one web process each.",
            ),
        )


def memory(served: Served) -> float:
    """Return the resident memory of the web process alone, in megabytes."""
    return psutil.Process(served.process.pid).memory_info().rss / MEGABYTE


def _starts(home: Path, rounds: int) -> tuple[list[Row], float]:
    ours: list[tuple[float, float]] = []
    bare: list[tuple[float, float]] = []
    for _ in range(rounds + 1):
        with sightline(home) as served:
            ours.append((served.seconds, memory(served)))
        port = free_port()
        with serving(["bench.bare", str(port)], port) as served:
            bare.append((served.seconds, memory(served)))
    (first, _), *ours = ours
    start, size = (median(values) for values in zip(*ours, strict=True))
    bare_start, bare_size = (median(values) for values in zip(*bare[1:], strict=True))
    return [
        Row(
            "Web process, start to first answer, its worker starting beside it",
            f"a bare FastAPI app: {bare_start:.2f} s",
            f"{start:.2f} s",
            "under 1.5 s",
            start < 1.5,
        ),
        Row(
            "Web process, resident memory",
            f"a bare FastAPI app: {bare_size:.0f} MB",
            f"{size:.0f} MB",
            "under 130 MB",
            size < 130,
        ),
    ], first


def _heatmaps(served: Served, client: httpx.Client, files: Path, rounds: int) -> list[Row]:
    analysis = analyse(client, EXAMPLES / "parachute.jpg")
    maps = client.get(analysis["links"]["heatmaps"]).raise_for_status().json()["items"]
    chosen = next(m for m in maps if (m["stage"], m["method"]) == ("early", "gradcam"))
    files.mkdir()
    port = free_port()
    rows = []
    with serving(["bench.bare", str(port), str(files)], port) as static:
        for name, link in (
            ("values as JSON", chosen["links"]["self"] + "?values=true"),
            ("drawn as PNG", chosen["links"]["png"]),
            ("array as NPY", chosen["links"]["npy"]),
        ):
            content = client.get(link).raise_for_status().content
            file = files / name.rpartition(" ")[2].lower()
            file.write_bytes(content)
            rows.append(
                _against(
                    name, len(content), served.url + link, f"{static.url}/files/{file.name}", rounds
                )
            )
    return rows


def _against(name: str, size: int, ours: str, theirs: str, rounds: int) -> Row:
    rates: tuple[list[float], list[float]] = ([], [])
    for number in range(rounds):
        for index in (0, 1) if number % 2 else (1, 0):
            rates[index].append(requests_per_second((ours, theirs)[index], 2))
    mine, static = median(rates[0]), median(rates[1])
    return Row(
        f"A stored heatmap over HTTP, {name} ({size / 1000:.1f} kB)",
        "the same bytes from Starlette's StaticFiles",
        f"{mine / static:.2f} x: {mine:.0f} requests/s against {static:.0f}",
        "at least 0.8 x",
        mine >= 0.8 * static,
    )
