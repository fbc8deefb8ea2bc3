"""`python -m ml train MECHANISM`: train on a folder of images and write a checkpoint."""

from __future__ import annotations

import argparse
import hashlib
import json
import shutil
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path
from typing import Any

from tqdm import tqdm

from ml import allocator
from ml.catalogue import default_device
from ml.commands.base import Command, add_weights
from ml.errors import MlError
from ml.networks.attention.base import MECHANISMS
from ml.networks.network import build_network
from ml.networks.types import STAGES
from ml.train.config import TrainConfig
from ml.train.configure import configure
from ml.train.events import EpochEnd, Event, Finished, Loading, Ready, Step
from ml.train.spec import LabelledFiles, RunSpec
from ml.train.start import train
from ml.train.tasks.photos.data import list_folder
from ml.train.tasks.photos.recipes import shipped

NAMES = {"imagenette160": "Imagenette v2, 160 px"}  # of folders, for the model card
KINDS = {"int": int, "float": float, "str": str}


def json_object(text: str) -> dict[str, Any]:
    """Parse an option's JSON object; ValueError or TypeError if it is none."""
    values: dict[str, Any] = json.loads(text)
    return {**values}


def as_flag(name: str) -> str:
    """Return a field's name as an option's."""
    return f"--{name.replace('_', '-')}"


def _options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("mechanisms", nargs="+", metavar="MECHANISM", help=", ".join(MECHANISMS))
    parser.add_argument("--data", type=Path, required=True, help="folder with train/ and val/")
    parser.add_argument("--out", type=Path, default=Path("runs"), help="folder for checkpoints")
    parser.add_argument("--cache", type=Path, help="folder to keep decoded images and features in")
    parser.add_argument("--parameters", type=json_object, default=None, metavar="JSON")
    parser.add_argument(
        "--stages", nargs="+", default=None, metavar="STAGE", help=", ".join(STAGES)
    )
    for known in fields(TrainConfig):
        if known.type in KINDS and known.name != "mechanism":
            parser.add_argument(
                as_flag(known.name),
                type=KINDS[str(known.type)],
                choices=known.metadata.get("choices"),
                default=None,
                help=known.metadata["help"],
            )
    parser.add_argument("--from", type=Path, dest="checkpoint", help="for --start checkpoint")
    parser.add_argument(
        "--as-shipped", action="store_true", help="the recipe of the model that comes along"
    )
    parser.add_argument("--device", default="auto")
    parser.add_argument("--devices", type=int, default=1, help="more than one: a process each")
    parser.add_argument("--save-seconds", type=float, default=60.0, help="between saved states")
    add_weights(parser)


def _run(options: argparse.Namespace) -> None:
    allocator.tune()
    folder = options.data
    given = {
        name: value
        for name, value in vars(options).items()
        if name in TrainConfig.__dataclass_fields__ and value is not None
    }
    configs = []
    for name in options.mechanisms:
        recipe = shipped(name) if options.as_shipped else {}
        configs.append(configure(name, {**recipe, **given}))
    default_device(options.device)
    train_files, classes = list_folder(folder / "train")
    val_files, others = list_folder(folder / "val")
    if classes != others:
        raise MlError(f"train/ and val/ in {folder} do not hold the same classes.")
    for config in configs:
        build_network(config.spec(len(classes)))  # what cannot be built is said before any work
    name = NAMES.get(folder.name, folder.name)
    for config in configs:
        spec = _spec(options, config, classes, train_files, val_files, name)
        train_one(spec, options.out / f"{config.mechanism}.safetensors")


def _spec(
    options: argparse.Namespace,
    config: TrainConfig,
    classes: tuple[str, ...],
    train_files: LabelledFiles,
    val_files: LabelledFiles,
    name: str,
) -> RunSpec:
    facts = f"{train_files.facts()}\n{val_files.facts()}"
    return RunSpec(
        config=config,
        classes=classes,
        train=train_files,
        val=val_files,
        folder=options.out / f"{config.mechanism}.run",
        cache=options.cache,
        data_name=name,
        data_fingerprint=hashlib.sha256(facts.encode()).hexdigest(),
        start=options.checkpoint,
        device=options.device,
        devices=options.devices,
        save_seconds=options.save_seconds,
        weights=tuple(options.weights),
    )


def train_one(spec: RunSpec, path: Path) -> None:
    """Run with a progress bar, and put the checkpoint where the command wants it."""
    events, name = train(spec), spec.config.mechanism
    with _asked_to_stop() as asked, tqdm(unit="step", desc=name, disable=None) as bar:
        for event in events:
            _show(bar, name, event)
            if asked and not isinstance(event, Finished):
                events.close()
                tqdm.write("Stopped. The same command goes on from there.")
                raise KeyboardInterrupt
    kept = spec.folder / "model.safetensors"
    kept.with_suffix(".json").replace(path.with_suffix(".json"))
    kept.replace(path)
    shutil.rmtree(spec.folder)
    print(f"{path}: {path.stat().st_size / 1e6:.1f} MB")


def _show(bar: Any, name: str, event: Event) -> None:
    if isinstance(event, Loading):
        bar.set_postfix_str(f"{event.what}: {event.done:.0%}")
    elif isinstance(event, Ready):
        bar.reset(event.steps)
        bar.update(event.first_step)
    elif isinstance(event, Step):
        bar.update()
        bar.set_postfix(loss=f"{event.loss:.3f}", img_s=f"{event.images_per_s:.0f}")
    elif isinstance(event, EpochEnd):
        alone = "".join(f", {s} {share:.2%}" for s, share in event.streams.items())
        tqdm.write(
            f"{name} epoch {event.epoch}: loss {event.train_loss:.4f}, val. "
            f"{event.val_accuracy:.2%}{alone} (loss {event.val_loss:.4f}), {event.seconds:.0f} s"
        )
    elif isinstance(event, Finished):
        metrics = event.about["metrics"]
        counted = " ".join(f"{metrics[k]} {k}" for k in ("images", "clips") if k in metrics)
        tqdm.write(
            f"{name}: {metrics['accuracy']:.2%} of {counted} on which it was not trained, "
            f"{event.about['training']['seconds']:.0f} s"
        )


@contextmanager
def _asked_to_stop() -> Iterator[list[int]]:
    """Collect Ctrl-C instead of raising it, so that a step is never cut in two."""
    asked: list[int] = []

    def note(number: int, _frame: Any) -> None:
        asked.append(number)
        signal.signal(number, before)  # the second one ends at once

    before = signal.signal(signal.SIGINT, note)
    try:
        yield asked
    finally:
        signal.signal(signal.SIGINT, before)


COMMAND = Command("train mechanisms on a folder of images", _options, _run)
