"""What a finished run says of itself: the JSON beside its checkpoint."""

from __future__ import annotations

import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from importlib.metadata import version
from typing import Any

import torch

from ml.train.events import EpochEnd
from ml.train.tasks.photos.evaluate import Evaluation
from ml.train.trainer import Loop, Provenance

CURVES = ("epoch", "train_loss", "train_accuracy", "val_loss", "val_accuracy", "lr", "seconds")
VERSIONS = ("torch", "torchvision", "numpy", "pillow", "safetensors")


def as_curve(epoch: EpochEnd) -> dict[str, float]:
    """Return an epoch's numbers as they stand in a card, rounded for reading."""
    streams = {f"val_{name}": round(share, 6) for name, share in epoch.streams.items()}
    return {name: round(getattr(epoch, name), 6) for name in CURVES} | streams


def describe(
    trainer: Loop,
    parts: Mapping[str, Any],
    found: Evaluation,
    curves: Sequence[dict[str, float]],
    provenance: Provenance,
    counted: Mapping[str, Any],
    told: Mapping[str, Any],
) -> dict[str, Any]:
    """Everything that the JSON says; `found` is of the float16 weights, as they are stored.

    parts: what the network is built of; counted, told: more metrics, and more of the training.
    """
    config = trainer.config
    left_out = ("mechanism", "parameters", "stages")
    return {
        **parts,
        "classes": list(trainer.classes),
        "input_size": config.eval_size,
        "metrics": {"accuracy": found.accuracy, "loss": found.loss, **counted},
        "curves": list(curves),
        "training": {
            "data": provenance.data,
            "data_fingerprint": provenance.fingerprint,
            **told,
            "seed": config.seed,
            "seconds": round(sum(epoch["seconds"] for epoch in curves), 1),
            "best_epoch": trainer.best.epoch,
            "stopped_early": trainer.stopped_early,
            "device": trainer.device.type,
            "devices": trainer.ranks.size,
            "threads": torch.get_num_threads(),
            "versions": {
                "python": platform.python_version(),
                **{name: version(name) for name in VERSIONS},
            },
            "recipe": {k: v for k, v in asdict(config).items() if k not in left_out},
        },
        "weights_origin": provenance.origin,
        "licence": licence(config.start, provenance.data),
    }


def licence(start: str, data: str) -> str:
    """Say what the code, the starting weights and the data are under."""
    code = "Code Apache-2.0. "
    if start == "scratch":
        return f"{code}Trained from random weights on {data}, whose images keep their own terms."
    return (
        f"{code}Starting weights: torchvision (BSD-3-Clause), trained on ImageNet, whose images "
        f"are for research; fine-tuned on {data}, whose images keep their own terms."
    )
