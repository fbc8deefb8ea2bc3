"""`python -m ml weights FOLDER`: fetch the ImageNet weights once, so that no server has to."""

from __future__ import annotations

import argparse
from pathlib import Path

from ml.commands.base import Command
from ml.weights import keep


def _options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", type=Path, help="then name it in SIGHTLINE_WEIGHTS_DIR")


def _run(options: argparse.Namespace) -> None:
    path = keep(options.folder)
    print(f"{path}: {path.stat().st_size / 1e6:.1f} MB. Set SIGHTLINE_WEIGHTS_DIR={options.folder}")


COMMAND = Command("fetch the ImageNet weights for the 1000-class row", _options, _run)
