"""`python -m ml list`: models, mechanisms and methods."""

from __future__ import annotations

import argparse
from dataclasses import fields

from ml.catalogue import entries
from ml.commands.base import Command, add_weights
from ml.explain.methods import METHODS
from ml.networks.attention.base import MECHANISMS
from ml.networks.video.base import VIDEO_MODELS
from ml.networks.video.consensus import CONSENSUS
from ml.networks.video.fusion import FUSIONS


def _options(parser: argparse.ArgumentParser) -> None:
    add_weights(parser)


def _run(options: argparse.Namespace) -> None:
    print("models")
    for entry in entries(options.weights):
        accuracy = entry.about.get("metrics", {}).get("accuracy")
        share = f"{accuracy:7.2%}" if accuracy is not None else "       "
        print(
            f"  {entry.id:15} {share}  {entry.title} ({len(entry.about['classes'])} classes"
            f"{', clips' if entry.kind == 'clip' else ''})"
        )
    print("mechanisms")
    for name, mechanism in MECHANISMS.items():
        parameters = ", ".join(
            f"{f.name}={f.default}"
            + (f" of {'/'.join(c)}" if (c := f.metadata.get("choices")) else "")
            for f in fields(mechanism.parameters)
        )
        print(f"  {name:15} {parameters}")
    print("architectures for clips")
    for name, video in VIDEO_MODELS.items():
        print(f"  {name:15} {video.about.title} (reads {' and '.join(video.streams)})")
    print("consensus over time")
    for name, consensus in CONSENSUS.items():
        print(f"  {name:15} {consensus.about.title}")
    print("fusion of streams")
    for name, fusion in FUSIONS.items():
        print(f"  {name:15} {fusion.summary}")
    print("methods")
    for name, method in METHODS.items():
        print(f"  {name:19} {method.title}")


COMMAND = Command(
    "list models, mechanisms with their parameters, architectures and methods", _options, _run
)
