"""`python -m ml localise`: the pointing game for every shipped model of photos."""

from __future__ import annotations

import argparse
from pathlib import Path

from ml import checkpoint as checkpoints
from ml.catalogue import build, entries
from ml.commands.base import Command
from ml.explain.prepare import for_inference
from ml.localise import load_boxed, score
from ml.model_card import ModelCard


def _options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--boxed", type=Path, required=True, metavar="FOLDER", help="images with boxes.csv"
    )
    parser.add_argument(
        "--write", action="store_true", help="write the figures into the models' cards"
    )
    parser.add_argument("--table", type=Path, help="also write them there as a Markdown table")


def _run(options: argparse.Namespace) -> None:
    boxed = load_boxed(options.boxed)
    lines = [
        f"{len(boxed.labels)} images, {int(boxed.small.sum())} with a small object.",
        "",
        "| model | map | stage | all | small | centre, all | centre, small | contrast | corner |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for entry in [e for e in entries() if e.kind == "image" and not e.imagenet]:
        scores = list(score(for_inference(build(entry)), boxed))
        lines += [
            f"| {entry.id} | {s.method} | {s.stage} | {s.hit_all:.1%} | {s.hit_small:.1%} "
            f"| {s.centre_all:.1%} | {s.centre_small:.1%} | {s.contrast:.2f} | {s.corner:.1%} |"
            for s in scores
        ]
        if options.write:
            card: ModelCard = {**entry.about, "localisation": [s.as_dict() for s in scores]}
            checkpoints.write_about(entry.path, card)
    print("\n".join(lines))
    if options.table:
        options.table.write_text("\n".join(lines) + "\n", encoding="utf-8")


COMMAND = Command("measure how often maps point at the object", _options, _run)
