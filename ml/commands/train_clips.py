"""`python -m ml train-clips MODEL`: train on a folder of clips and write a checkpoint."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ml.commands.base import Command
from ml.commands.train import ReadFolder, Training
from ml.errors import MlError
from ml.networks.attention.base import MECHANISMS
from ml.train.config import TrainConfig
from ml.train.configure import configure
from ml.train.tasks.clips.config import CLIPS as CLIP_FILES
from ml.train.tasks.clips.config import ClipConfig
from ml.train.tasks.clips.data import read_clips
from ml.train.tasks.clips.recipes import shipped
from ml.train.tasks.photos.data import read_images
from ml.train.tasks.photos.recipes import shipped as shipped_photo_model

CAMERA_MODEL = "camera-motion"
DATA_NAMES = {
    "clips_fight": "surveillance clips with and without fights (Aktı et al., IPTA 2019)",
    "imagenette160": "clips made of Imagenette v2, 160 px",
}


def mechanism_of(name: str) -> str:
    """Return the mechanism that a model's name ends in.

    Raises:
        MlError: It ends in none.
    """
    if name == CAMERA_MODEL:
        return "plain"
    endings = [m for m in MECHANISMS if f"-{name}".endswith(f"-{m}")]
    if not endings:
        raise MlError(f"{name!r} names no mechanism. Known: {', '.join(MECHANISMS)}.")
    return max(endings, key=len)


def _configure(name: str, chosen: Mapping[str, Any], as_shipped: bool) -> TrainConfig:
    mechanism = mechanism_of(name)
    defaults = {
        "architecture": "two_stream",
        "parameters": shipped_photo_model(mechanism).get("parameters", {}),
    }
    recipe = shipped(name) if as_shipped else {}
    return configure(mechanism, {**defaults, **recipe, **chosen})


def _read(config: TrainConfig) -> ReadFolder:
    from_images = isinstance(config, ClipConfig) and config.source != CLIP_FILES
    return read_images if from_images else read_clips


CLIPS = Training(ClipConfig, _configure, _read, DATA_NAMES)


def _options(parser: argparse.ArgumentParser) -> None:
    CLIPS.add_options(
        parser, "MODEL", f"{', '.join(MECHANISMS)}; with a prefix of your own, as in fight-plain"
    )
    parser.add_argument(
        "--grounds",
        type=Path,
        help="folder of photos of none of the classes, for objects to move over, beside tiles",
    )
    parser.add_argument(
        "--full-bn",
        dest="partial_bn",
        action="store_const",
        const=False,
        default=None,
        help="all norms follow the clips, and not only each stream's first",
    )


COMMAND = Command("train mechanisms on a folder of clips", _options, CLIPS.run)
