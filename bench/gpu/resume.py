"""A run that is killed at a random step and resumed, against one that nothing disturbs."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from bench.gpu.setup import Line, Result, Setup
from ml import allocator
from ml.networks.weights import SHIPPED
from ml.train.configure import configure
from ml.train.events import EpochEnd, Ready, Step
from ml.train.spec import RunSpec
from ml.train.start import train
from ml.train.tasks.photos.data import list_folder

IMAGES, VAL, EPOCHS = 512, 200, 3
LOSSES = ("train_loss", "val_loss")
LEAST = 0.02  # of a loss: below it, runs are the same


def measure(setup: Setup) -> Result:
    """Return how far the losses of a killed run, and of a second whole one, are from the first."""
    whole, again = (_curves(setup, name) for name in ("whole", "again"))
    spec = _spec(setup, "killed")
    steps = spec.config.epochs * (len(spec.train.files) // spec.config.batch_size)
    killed_at = random.Random().randrange(1, steps - 1)
    _killed(setup, killed_at)
    return {
        "steps": steps,
        "killed_at": killed_at,
        "resumed_from": _first_step(setup),
        "killed_apart": _apart(whole, _curves(setup, "killed")),
        "again_apart": _apart(whole, again),
    }


def _spec(setup: Setup, name: str) -> RunSpec:
    (training, classes), (val, _) = (
        list_folder(setup.data / "imagenette160" / split) for split in ("train", "val")
    )
    tiny = {"size": 32, "eval_size": 32, "batch_size": 4, "epochs": 2}
    settings = tiny if setup.tiny else {"size": 128, "batch_size": 64, "epochs": EPOCHS}
    return RunSpec(
        config=configure("gated", settings),
        classes=classes,
        train=training.spread(8 if setup.tiny else IMAGES),
        val=val.spread(4 if setup.tiny else VAL),
        folder=setup.folder / name,
        cache=setup.folder / "cache",
        data_name="a part of Imagenette",
        data_fingerprint="gpu check",
        device=setup.device,
        save_seconds=0,
        weights=(SHIPPED,),
    )


def _curves(setup: Setup, name: str) -> list[dict[str, float]]:
    """Train to the end, or to the end of what is left; return the losses of all epochs."""
    for _ in train(_spec(setup, name)):
        pass
    card = json.loads((setup.folder / name / "model.json").read_text(encoding="utf-8"))
    curves: list[dict[str, float]] = card["curves"]
    return curves


def _first_step(setup: Setup) -> int:
    events = train(_spec(setup, "killed"))
    try:
        return next(event.first_step for event in events if isinstance(event, Ready))
    finally:
        events.close()  # nothing was done: the state stays what it is


def _killed(setup: Setup, step: int) -> None:
    words = (setup.data, setup.folder, setup.device, int(setup.tiny))
    command = [sys.executable, "-m", "bench.gpu.resume", *map(str, words)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    for line in process.stdout:
        if line.strip() == str(step):
            process.kill()
    process.wait()
    if process.returncode != -9:
        raise SystemExit(f"The run ended with {process.returncode} before step {step}.")


def _apart(one: list[dict[str, float]], other: list[dict[str, float]]) -> float:
    """Return the largest difference of a loss, in training or validation."""
    pairs = [(a[key], b[key]) for a, b in zip(one, other, strict=True) for key in LOSSES]
    return max(abs(a - b) for a, b in pairs)


def lines(result: Result) -> Iterator[Line]:
    """Yield the one line."""
    killed, again = result["killed_apart"], result["again_apart"]
    yield Line(
        f"Losses of a run killed (-9) at step {result['killed_at']} of {result['steps']}, "
        f"resumed from {result['resumed_from']}, against a whole run's",
        f"at most {killed:.1e} apart; two whole runs {again:.1e}",
        f"at most as two whole runs, twice, or {LEAST:g}",
        killed <= max(LEAST, 2 * again),
    )


def main(data: Path, folder: Path, device: str, *, tiny: bool) -> None:
    """Train, and print every step after its state is saved, until killed."""
    allocator.tune()
    done = 0
    for event in train(_spec(Setup(data, folder, device, tiny), "killed")):
        if done:
            print(done, flush=True)
        done = event.step if isinstance(event, Step | EpochEnd) else 0


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], tiny=sys.argv[4] == "1")
