"""`python -m ml train MECHANISM`: train on a folder of images and write a checkpoint."""

from __future__ import annotations

import argparse
import json
import shutil
import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from tqdm import tqdm

from ml import allocator
from ml.catalogue import default_device
from ml.commands.base import Command, add_weights
from ml.errors import MlError
from ml.networks.attention.base import MECHANISMS
from ml.networks.types import STAGES
from ml.train.config import TrainConfig
from ml.train.configure import configure
from ml.train.data_folder import DataFolder
from ml.train.events import EpochEnd, Event, Finished, Loading, Ready, Step
from ml.train.run import MODEL
from ml.train.spec import RunSpec
from ml.train.start import train
from ml.train.tasks.photos.data import SUFFIXES, read_images
from ml.train.tasks.photos.recipes import shipped

TYPES = {"int": int, "float": float, "str": str}
ReadFolder = Callable[[Path], DataFolder]


def _json_object(text: str) -> dict[str, Any]:
    """Parse an option's JSON object; ValueError or TypeError for anything else."""
    values: dict[str, Any] = json.loads(text)
    return {**values}


@dataclass(frozen=True)
class Training:
    """What a command trains; `train` and `train-clips` differ in this.

    Attributes:
        config: Class of the settings, each of which is an option.
        configure: Returns a model's configuration from its name, its chosen settings, and true if
            the recipe of the shipped model fills in the others.
        read: Returns the function that reads a dataset's folder for a configuration.
        data_names: Names of known data for the model card, by name of the folder.
    """

    config: type[TrainConfig]
    configure: Callable[[str, Mapping[str, Any], bool], TrainConfig]
    read: Callable[[TrainConfig], ReadFolder]
    data_names: Mapping[str, str]

    def add_options(self, parser: argparse.ArgumentParser, metavar: str, models: str) -> None:
        """Add the options of both commands, and the models' names, with their help."""
        parser.set_defaults(devices=1)
        parser.add_argument("models", nargs="+", metavar=metavar, help=models)
        parser.add_argument(
            "--data",
            type=Path,
            required=True,
            help="folder with train/CLASS/ and val/CLASS/, or CLASS/",
        )
        parser.add_argument("--out", type=Path, default=Path("runs"), help="folder for checkpoints")
        parser.add_argument("--cache", type=Path, help="folder to keep what was decoded in")
        parser.add_argument("--parameters", type=_json_object, metavar="JSON")
        parser.add_argument("--stages", nargs="+", metavar="STAGE", help=", ".join(STAGES))
        for known in fields(self.config):
            if known.type in TYPES and known.name != "mechanism":
                parser.add_argument(
                    f"--{known.name.replace('_', '-')}",
                    type=TYPES[str(known.type)],
                    choices=known.metadata.get("choices"),
                    help=known.metadata["help"],
                )
        parser.add_argument("--from", type=Path, dest="checkpoint", help="for --start checkpoint")
        parser.add_argument(
            "--as-shipped", action="store_true", help="the recipe of the model that comes along"
        )
        parser.add_argument("--device", default="auto")
        parser.add_argument("--save-seconds", type=float, default=60.0, help="between saved states")
        add_weights(parser)

    def run(self, options: argparse.Namespace) -> None:
        """Train one model after the other; what cannot be built is refused before any work."""
        allocator.tune()
        default_device(options.device)
        known = {field.name for field in fields(self.config)}
        chosen = {k: v for k, v in vars(options).items() if k in known and v is not None}
        configs = {
            name: self.configure(name, chosen, options.as_shipped) for name in options.models
        }
        specs = {name: self._spec(options, name, config) for name, config in configs.items()}
        for spec in specs.values():
            spec.config.build(spec.config.names(spec.classes))
        for name, spec in specs.items():
            train_one(spec, options.out / f"{name}.safetensors")

    def _spec(self, options: argparse.Namespace, name: str, config: TrainConfig) -> RunSpec:
        folder = options.data
        data = self.read(config)(folder)
        for note in data.notes:
            print(f"{folder.name}: {note}")
        return RunSpec(
            config=config,
            classes=data.classes,
            train=data.train,
            val=data.val,
            folder=options.out / f"{name}.run",
            cache=options.cache,
            data_name=self.data_names.get(folder.name, folder.name),
            data_fingerprint=data.fingerprint(),
            start=options.checkpoint,
            device=options.device,
            devices=options.devices,
            save_seconds=options.save_seconds,
            weights=tuple(options.weights),
            grounds=_photos(getattr(options, "grounds", None)),
        )


def _photos(folder: Path | None) -> tuple[Path, ...]:
    """List the photos anywhere in a folder, by name; MlError for fewer than one for each split."""
    if folder is None:
        return ()
    photos = sorted(p for p in folder.rglob("*") if p.suffix.lower() in SUFFIXES)
    if len(photos) < 2:
        raise MlError(f"{folder} needs 2 photos at least: one for each split.")
    return tuple(photos)


def train_one(spec: RunSpec, path: Path) -> None:
    """Train with a progress bar, and move the checkpoint to `path`."""
    events, name = train(spec), spec.config.mechanism
    with interrupts() as pressed, tqdm(unit="step", desc=name, disable=None) as bar:
        for event in events:
            show(bar, name, event)
            if pressed and not isinstance(event, Finished):
                events.close()
                tqdm.write("Stopped. The same command goes on from there.")
                raise KeyboardInterrupt
    model = spec.folder / MODEL
    model.with_suffix(".json").replace(path.with_suffix(".json"))
    model.replace(path)
    shutil.rmtree(spec.folder)
    print(f"{path}: {path.stat().st_size / 1e6:.1f} MB")


def show(bar: Any, name: str, event: Event) -> None:
    """Show an event of a run on its progress bar, or above it."""
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
def interrupts() -> Iterator[list[int]]:
    """Collect Ctrl-C instead of raising it, so that a step is never cut in two."""
    pressed: list[int] = []

    def note(number: int, _frame: Any) -> None:
        pressed.append(number)
        signal.signal(number, before)  # the second one ends at once

    before = signal.signal(signal.SIGINT, note)
    try:
        yield pressed
    finally:
        signal.signal(signal.SIGINT, before)


def _configure(name: str, chosen: Mapping[str, Any], as_shipped: bool) -> TrainConfig:
    return configure(name, {**(shipped(name) if as_shipped else {}), **chosen})


PHOTOS = Training(
    TrainConfig, _configure, lambda _: read_images, {"imagenette160": "Imagenette v2, 160 px"}
)


def _options(parser: argparse.ArgumentParser) -> None:
    PHOTOS.add_options(parser, "MECHANISM", ", ".join(MECHANISMS))
    parser.add_argument("--devices", type=int, help="more than one: a process each")


COMMAND = Command("train mechanisms on a folder of images", _options, PHOTOS.run)
