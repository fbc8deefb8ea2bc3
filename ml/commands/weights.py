"""`python -m ml weights FOLDER`: fetch the ImageNet weights once, so that no server has to."""

from __future__ import annotations

import argparse
from pathlib import Path

from ml.commands.base import Command, add_weights
from ml.networks.weights import store


def _options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", type=Path, help="where to put them")
    add_weights(parser)


def _run(options: argparse.Namespace) -> None:
    path = store(options.folder, options.weights)
    print(
        f"{path}: {path.stat().st_size / 1e6:.1f} MB. Name the folder with --weights, and for a "
        f"server in SIGHTLINE_WEIGHTS_DIR={options.folder}. Its row says that it is not calibrated "
        f"until you run: python -m ml calibrate --weights {options.folder} --models plain-imagenet "
        "--data IMAGENETTE --write"
    )


COMMAND = Command("fetch the ImageNet weights for the 1000-class row", _options, _run)
