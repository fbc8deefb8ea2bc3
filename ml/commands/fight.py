"""`python -m ml fight`: what two streams know of fights on cameras that they have never seen."""

from __future__ import annotations

import argparse
from pathlib import Path

from ml import allocator
from ml.commands.base import Command, add_weights
from ml.study.fight import METHODS, Study, run, table

OUT = Path("docs/study/fight.json")


def _options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--data",
        type=Path,
        required=True,
        metavar="FOLDER",
        help="with train/ and val/, in them fight/ and no_fight/, and srcNN in each clip's name",
    )
    parser.add_argument(
        "--cache", type=Path, required=True, help="folder for snippets, features and runs"
    )
    parser.add_argument(
        "--methods", nargs="+", default=METHODS, metavar="METHOD", help=", ".join(METHODS)
    )
    parser.add_argument("--out", type=Path, default=OUT, help="goes on from there if it exists")
    add_weights(parser)


def _run(options: argparse.Namespace) -> None:
    allocator.tune()
    study = Study.of(options.data, options.cache, options.weights)
    print(table(run(study, options.methods, options.out)))


COMMAND = Command("cross-validate fight models over sources", _options, _run)
