"""What a command is."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Command:
    """A line of help, a function that adds options to a parser, and one that runs."""

    help: str
    options: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace], None]


def add_weights(parser: argparse.ArgumentParser) -> None:
    """Add the option `--weights`."""
    parser.add_argument(
        "--weights",
        type=Path,
        action="append",
        default=[],
        metavar="FOLDER",
        help="a folder with ImageNet weights, so that they are not downloaded; may be repeated",
    )
