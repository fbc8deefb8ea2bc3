"""`python -m ml camera-clips DATA OUT`: labelled clips of a moving camera, as files."""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from ml.commands.base import Command
from ml.errors import MlError
from ml.media.photo import load_rgb
from ml.train.tasks.clips.camera_motion import MOVEMENTS, motion_clip, pairs, write_clip
from ml.train.tasks.clips.warps import FRAMES
from ml.train.tasks.photos.data import list_folder

SIDE = 224


def _options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("data", type=Path, metavar="DATA", help="with train/CLASS/ and val/CLASS/")
    parser.add_argument("out", type=Path, metavar="OUT", help="a new folder, for `calibrate`")
    parser.add_argument("--split", default="val", choices=("train", "val"))
    parser.add_argument("--every", type=int, default=10, help="of how many images one is used")
    parser.add_argument("--seed", type=int, default=0)


def _run(options: argparse.Namespace) -> None:
    """Write OUT/SPLIT/"CLASS, MOVEMENT"/*.mp4; the movements take turns, so all are as frequent."""
    if options.every < 1:
        raise MlError("--every is a whole number from 1.")
    if options.out.exists():
        raise MlError(f"{options.out} exists. Name a new folder.")
    files, classes = list_folder(options.data / options.split)
    names = list(pairs(classes, MOVEMENTS))
    written: set[str] = set()
    chosen = range(0, len(files.files), options.every)
    for number, index in enumerate(chosen):
        movement, path = number % len(MOVEMENTS), files.files[index]
        rng = np.random.default_rng([options.seed, index])
        image = np.asarray(load_rgb(path))
        frames = motion_clip(image, MOVEMENTS[movement], rng, frames=FRAMES, size=SIDE)
        name = names[files.labels[index] * len(MOVEMENTS) + movement]
        folder = options.out / options.split / name
        folder.mkdir(parents=True, exist_ok=True)
        write_clip(folder / f"{path.stem}.mp4", frames)
        written.add(name)
    print(f"{options.out}: {len(chosen)} clips in {len(written)} of {len(names)} classes")


COMMAND = Command("write labelled clips of a camera moving over a split's images", _options, _run)
