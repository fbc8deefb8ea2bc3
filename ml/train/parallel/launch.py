"""A run on several devices of this machine: a process each, started and watched by torchrun."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import psutil
import torch

from ml.errors import MlError
from ml.train.events import EpochEnd, Event
from ml.train.failures import user_errors
from ml.train.parallel.event_log import EventReader, read_failures, write_spec
from ml.train.spec import RunSpec

LOG = "log.txt"
POLL = 0.02  # seconds
GRACE = 120.0  # seconds in which the ranks save their state when the run is stopped
LOST = re.compile(
    r"gloo|nccl|connection (closed|reset)|distbackenderror|broken pipe", re.IGNORECASE
)


def train(spec: RunSpec) -> Iterator[Event]:
    """Yield a run's events, as `ml.train.run.train_rank` does for one device.

    Raises:
        MlError: A rank failed with one, or was killed; the run can be resumed.
    """
    _check(spec)
    with user_errors():
        spec.folder.mkdir(parents=True, exist_ok=True)
        for left in spec.folder.glob("ranks-*"):  # of a try that was killed
            shutil.rmtree(left, ignore_errors=True)
        folder = Path(tempfile.mkdtemp(prefix="ranks-", dir=spec.folder))
        try:
            yield from _follow(replace(spec, cache=spec.cache or folder / "cache"), folder)
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def _check(spec: RunSpec) -> None:
    if spec.device == "cpu" or not torch.cuda.is_available():
        return
    if spec.devices > torch.cuda.device_count():
        raise MlError(f"There are {torch.cuda.device_count()} GPUs here, not {spec.devices}.")


def _follow(spec: RunSpec, folder: Path) -> Iterator[Event]:
    write_spec(spec, folder / "spec.json")
    reader = EventReader(folder)
    process = _start(spec.devices, folder)
    try:
        ended = False
        while not ended:
            ended = process.poll() is not None
            for event in reader.read():
                yield event
                if isinstance(event, EpochEnd):
                    _take_over(process)
            if not ended:
                time.sleep(POLL)
    finally:
        _end(process)
    if process.returncode:
        raise _why(spec.devices, folder)


def _start(count: int, folder: Path) -> subprocess.Popen[bytes]:
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
    ranks = [
        f"--nproc-per-node={count}",
        "-m",
        "ml.train.parallel.worker",
        str(folder / "spec.json"),
    ]
    root = str(Path(__file__).resolve().parents[3])
    path = os.pathsep.join(p for p in (root, os.environ.get("PYTHONPATH")) if p)
    with (folder / LOG).open("wb") as log:
        return subprocess.Popen(
            [*torchrun, *ranks],
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
            env={**os.environ, "PYTHONPATH": path},
            start_new_session=True,
        )


def _take_over(process: subprocess.Popen[bytes]) -> None:
    """Tell rank 0 that the caller has handled the epoch, so that its state may be saved."""
    assert process.stdin is not None
    with suppress(BrokenPipeError):
        process.stdin.write(b".")
        process.stdin.flush()


def _end(process: subprocess.Popen[bytes]) -> None:
    """Ask the ranks to save and stop, if they still run; kill them after `GRACE`."""
    assert process.stdin is not None
    with suppress(BrokenPipeError):
        process.stdin.close()
    try:
        process.wait(GRACE)
    except subprocess.TimeoutExpired:
        with suppress(psutil.NoSuchProcess):
            for rank in psutil.Process(process.pid).children(recursive=True):
                rank.kill()
        process.kill()
        process.wait()


def _why(count: int, folder: Path) -> Exception:
    """Return the error of a failed run: a rank's own sentence or traceback, or one for a kill."""
    failures = read_failures(folder)
    for failure in failures:
        if failure["detail"]:
            return MlError(failure["detail"])
    own = [f["trace"] for f in failures if not LOST.search(f["trace"].strip().splitlines()[-1])]
    if own:
        return RuntimeError(own[0])
    log = (folder / LOG).read_text(errors="replace")
    if failures or re.search(r"exitcode\s*:\s*-\d+", log):
        return MlError(
            f"One of the run's {count} processes was killed, or its machine ran out of memory. "
            "Resume: the run goes on from the last state that was saved."
        )
    return RuntimeError(log[-4000:])
