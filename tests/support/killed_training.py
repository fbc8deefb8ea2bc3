"""A training command that is killed and restarted, compared with an uninterrupted one."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from pathlib import Path

from safetensors import safe_open

from ml import checkpoint as checkpoints
from ml.__main__ import main
from ml.train import resume
from tests.support import toy_images as toys

STEPS = 3  # an epoch
SIDE = 32


def check(folder: Path, *, kills: int, epochs: int, seed: int) -> None:
    """Kill a run `kills` times at random moments; it must end like an uninterrupted one."""
    rng = random.Random(seed)
    data = toys.folder(folder / "data", train=4 * STEPS, val=4, size=SIDE)
    assert main(_command(data, folder / "a", epochs)) == 0
    kept = folder / "b" / "plain.run" / resume.NAME
    steps = []
    for left in range(kills, 0, -1):
        room = STEPS * epochs - 4 - (steps[-1] if steps else 0)  # for a kill that comes late
        saves = rng.randint(1, max(1, min(3, room // left)))
        _kill_after_saves(_start(data, folder / "b", epochs), kept, saves)
        steps.append(_steps_done(kept))
    assert steps == sorted(steps), "a try began before the last saved state"
    assert 0 < steps[0] <= steps[-1], steps
    assert main(_command(data, folder / "b", epochs)) == 0
    one, other = (checkpoints.read(folder / d / "plain.safetensors") for d in "ab")
    assert one.sha256 == other.sha256
    assert one.about["metrics"] == other.about["metrics"]
    assert [c["epoch"] for c in one.about["curves"]] == list(range(1, epochs + 1))
    for a, b in zip(one.about["curves"], other.about["curves"], strict=True):
        assert a | {"seconds": 0} == b | {"seconds": 0}
    assert not kept.exists()


def _command(data: Path, out: Path, epochs: int) -> list[str]:
    words = ["plain", "--start", "scratch", "--epochs", str(epochs), "--batch-size", "8"]
    words += ["--size", str(SIDE), "--eval-size", str(SIDE), "--save-seconds", "0"]
    words += ["--data", str(data), "--out", str(out), "--early-stopping", "9"]
    return ["train", *words]


def _start(data: Path, out: Path, epochs: int) -> subprocess.Popen[bytes]:
    process = subprocess.Popen(
        [sys.executable, "-m", "ml", *_command(data, out, epochs)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    # On a busy machine this process then wakes in time to kill it.
    os.setpriority(os.PRIO_PROCESS, process.pid, 10)
    return process


def _kill_after_saves(process: subprocess.Popen[bytes], kept: Path, saves: int) -> None:
    """Kill the process soon after `saves` more states were saved, at whatever step."""
    try:
        seen = {kept.stat().st_mtime_ns} if kept.exists() else set()
        enough = len(seen) + saves
        while len(seen) < enough:
            assert process.poll() is None, "the run ended before it was killed"
            if kept.exists():
                seen.add(kept.stat().st_mtime_ns)
            time.sleep(0.002)
    finally:
        process.kill()
        process.wait()


def _steps_done(kept: Path) -> int:
    with safe_open(kept, framework="pt") as file:
        position = json.loads(file.metadata()["run"])["position"]
    return STEPS * position["epoch"] + position["batch"]
