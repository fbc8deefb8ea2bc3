"""`python -m ml train-clips MECHANISM`: train on a folder of clips and write a checkpoint."""

from __future__ import annotations

import argparse
import hashlib
from dataclasses import fields
from pathlib import Path
from typing import Any

from ml import allocator
from ml.catalogue import default_device
from ml.commands.base import Command, add_weights
from ml.commands.train import KINDS, as_flag, json_object, train_one
from ml.errors import MlError
from ml.networks.attention.base import MECHANISMS
from ml.networks.types import STAGES
from ml.networks.video.base import build_video
from ml.train.configure import configure
from ml.train.spec import LabelledFiles, RunSpec
from ml.train.tasks.clips.config import CAMERA_MOTION, ClipConfig
from ml.train.tasks.clips.data import list_clips
from ml.train.tasks.clips.recipes import shipped
from ml.train.tasks.photos.data import list_folder
from ml.train.tasks.photos.recipes import shipped as photos

CAMERA_MODEL = "camera-motion"
NAMES = {  # of folders, for the model card
    "clips_fight": "surveillance clips with and without fights (Aktı et al., IPTA 2019)",
    "imagenette160": "a camera moving over Imagenette v2, 160 px",
}


def _options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "names",
        nargs="+",
        metavar="MODEL",
        help=f"{', '.join(MECHANISMS)}; with a prefix of your own, as in fight-plain",
    )
    parser.add_argument(
        "--data", type=Path, required=True, help="folder with train/CLASS/ and val/CLASS/"
    )
    parser.add_argument("--out", type=Path, default=Path("runs"), help="folder for checkpoints")
    parser.add_argument("--cache", type=Path, help="folder to keep frames and flow in")
    parser.add_argument("--parameters", type=json_object, default=None, metavar="JSON")
    parser.add_argument(
        "--stages", nargs="+", default=None, metavar="STAGE", help=", ".join(STAGES)
    )
    for known in fields(ClipConfig):
        if known.type in KINDS and known.name != "mechanism":
            parser.add_argument(
                as_flag(known.name),
                type=KINDS[str(known.type)],
                choices=known.metadata.get("choices"),
                default=None,
                help=known.metadata["help"],
            )
    parser.add_argument(
        "--full-bn",
        dest="partial_bn",
        action="store_const",
        const=False,
        default=None,
        help="all norms follow the clips, and not only each stream's first",
    )
    parser.add_argument("--from", type=Path, dest="checkpoint", help="for --start checkpoint")
    parser.add_argument(
        "--as-shipped", action="store_true", help="the recipe of the model that comes along"
    )
    parser.add_argument("--device", default="auto")
    parser.add_argument("--save-seconds", type=float, default=60.0, help="between saved states")
    add_weights(parser)


def _run(options: argparse.Namespace) -> None:
    allocator.tune()
    default_device(options.device)
    given = {
        name: value
        for name, value in vars(options).items()
        if name in ClipConfig.__dataclass_fields__ and value is not None
    }
    configs = []
    for name in options.names:
        recipe = shipped(name) if options.as_shipped else {}
        mechanism = mechanism_of(name)
        usual = {
            "architecture": "two_stream",
            "parameters": photos(mechanism).get("parameters", {}),
        }
        configs.append(configure(mechanism, {**usual, **recipe, **given}))
    for name, config in zip(options.names, configs, strict=True):
        assert isinstance(config, ClipConfig)
        spec = _spec(options, name, config)
        build_video(config.video(config.names(spec.classes)))  # said before any work
        train_one(spec, options.out / f"{name}.safetensors")


def mechanism_of(name: str) -> str:
    """Return the mechanism that a model's name ends in; MlError where there is none."""
    found = [m for m in MECHANISMS if f"-{name}".endswith(f"-{m}")]
    if name == CAMERA_MODEL:
        return "plain"
    if not found:
        raise MlError(f"{name!r} names no mechanism. Known: {', '.join(MECHANISMS)}.")
    return max(found, key=len)


def _spec(options: argparse.Namespace, name: str, config: ClipConfig) -> RunSpec:
    moving = config.source == CAMERA_MOTION
    folder: Path = options.data
    train, val, classes = _splits(folder, moving)
    facts = f"{train.facts()}\n{val.facts()}"
    return RunSpec(
        config=config,
        classes=classes,
        train=train,
        val=val,
        folder=options.out / f"{name}.run",
        cache=options.cache,
        data_name=NAMES.get(folder.name, folder.name),
        data_fingerprint=hashlib.sha256(facts.encode()).hexdigest(),
        start=options.checkpoint,
        device=options.device,
        save_seconds=options.save_seconds,
        weights=tuple(options.weights),
    )


def _splits(folder: Path, moving: bool) -> tuple[LabelledFiles, LabelledFiles, tuple[str, ...]]:
    """List both splits and the classes; MlError where they do not hold the same ones."""
    listed: Any = list_folder if moving else list_clips
    train, classes = listed(folder / "train")
    val, others = listed(folder / "val")
    if classes != others:
        raise MlError(f"train/ and val/ in {folder} do not hold the same classes.")
    return train, val, classes


COMMAND = Command("train mechanisms on a folder of clips", _options, _run)
