"""The worker's process settings, switched on and off in separate processes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from statistics import median

from bench.report import Row, Section, milliseconds

BATCH = 16
SPIN = {"GOMP_SPINCOUNT": "300000"}  # libgomp's own default


def section(rounds: int) -> Section:
    """Time the allocator setting, and waiting threads, alone and beside other programs."""
    return Section(
        "The worker's process",
        (_allocator(max(4, rounds // 6)), _waiting(rounds // 2), _busy(max(4, rounds // 8))),
        (
            (
                "Waiting threads spin briefly (`GOMP_SPINCOUNT=5000`, set in `ml/__init__.py`): "
                "the other programs are loops that keep both cores busy, as a browser and a "
                "training run do."
            ),
        ),
    )


def _allocator(rounds: int) -> Row:
    cam, forward = _alternate(BATCH, rounds, {"tuned": {}, "default": {}})
    return Row(
        f"Grad-CAM, batch {BATCH}, with the worker's allocator setting",
        "the same with glibc's defaults",
        f"{cam['default'] / cam['tuned']:.2f} x faster: {milliseconds(cam['tuned'])} against "
        f"{milliseconds(cam['default'])}; the plain eager forward "
        f"{forward['default'] / forward['tuned']:.2f} x faster",
        "not slower",
        cam["tuned"] <= 1.02 * cam["default"],
    )


def _waiting(rounds: int) -> Row:
    cam, _ = _alternate(1, rounds, {"tuned": {}, "tuned spinning": SPIN})
    ratio = cam["tuned"] / cam["tuned spinning"]
    return Row(
        "Grad-CAM, one image, threads that spin briefly, nothing else running",
        "the same with OpenMP's default",
        f"{ratio:.2f} x: {milliseconds(cam['tuned'])} against "
        f"{milliseconds(cam['tuned spinning'])}",
        "at most 1.15 x",
        ratio <= 1.15,
    )


def _busy(rounds: int) -> Row:
    with _another_program(), _another_program():
        cam, _ = _alternate(1, rounds, {"tuned": {}, "tuned spinning": SPIN})
    return Row(
        "The same, while other programs keep both cores busy",
        "OpenMP's default",
        f"{cam['tuned spinning'] / cam['tuned']:.1f} x faster: {milliseconds(cam['tuned'])} "
        f"against {milliseconds(cam['tuned spinning'])}",
        "not slower",
        cam["tuned"] <= 1.05 * cam["tuned spinning"],
    )


def _alternate(
    size: int, rounds: int, variants: dict[str, dict[str, str]]
) -> tuple[dict[str, float], dict[str, float]]:
    """Start probes in turn, A B B A; return the medians of Grad-CAM and of a forward."""
    pairs: dict[str, list[tuple[float, float]]] = {name: [] for name in variants}
    for name in (*variants, *reversed(variants)):
        pairs[name].append(_probe(name.split()[0], size, rounds, variants[name]))
    cam = {name: median(t[0] for t in times) for name, times in pairs.items()}
    forward = {name: median(t[1] for t in times) for name, times in pairs.items()}
    return cam, forward


def _probe(setting: str, size: int, rounds: int, extra: dict[str, str]) -> tuple[float, float]:
    command = [sys.executable, "-m", "bench.process", setting, str(size), str(rounds)]
    inherited = {k: v for k, v in os.environ.items() if k != "GOMP_SPINCOUNT"}
    done = subprocess.run(
        command, check=True, capture_output=True, text=True, env=inherited | extra
    )
    cam, forward = json.loads(done.stdout.splitlines()[-1])
    return cam, forward


@contextmanager
def _another_program() -> Iterator[None]:
    process = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    try:
        yield
    finally:
        process.kill()
        process.wait()


def main(setting: str, size: int, rounds: int) -> None:
    """Run one probe and print the two medians."""
    if setting == "tuned":
        from ml import allocator

        allocator.tune()
    from bench.explaining import probe

    print(json.dumps(probe(size, rounds)))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
