"""The model card of a finished run: the JSON beside its checkpoint."""

from __future__ import annotations

import platform
from collections.abc import Sequence
from dataclasses import asdict
from importlib.metadata import version

import torch

from ml.calibration.record import calibrate
from ml.model_card import Architecture, ModelCard, TaskMetrics, TaskTraining
from ml.train.evaluation import Evaluation
from ml.train.events import EpochEnd
from ml.train.spec import Provenance
from ml.train.trainer import Trainer

CURVES = ("epoch", "train_loss", "train_accuracy", "val_loss", "val_accuracy", "lr", "seconds")
VERSIONS = ("torch", "torchvision", "numpy", "pillow", "safetensors")


def as_curve(epoch: EpochEnd) -> dict[str, float]:
    """Return an epoch's numbers for a card, rounded."""
    streams = {f"val_{name}": round(share, 6) for name, share in epoch.streams.items()}
    return {name: round(getattr(epoch, name), 6) for name in CURVES} | streams


def describe(
    trainer: Trainer,
    network: Architecture,
    evaluation: Evaluation,
    curves: Sequence[dict[str, float]],
    provenance: Provenance,
    metrics: TaskMetrics,
    training: TaskTraining,
) -> ModelCard:
    """Return the card, without the checkpoint's own hash.

    Args:
        trainer: The finished run.
        network: What the network is built from.
        evaluation: Of the float16 weights, as the checkpoint has them.
        curves: Each epoch's numbers, from `as_curve`.
        provenance: Where data and starting weights are from.
        metrics: The task's own metrics.
        training: The task's own facts about the training.
    """
    config = trainer.config
    left_out = ("mechanism", "parameters", "stages")
    card: ModelCard = {
        "classes": list(trainer.classes),
        "input_size": config.eval_size,
        "metrics": {"accuracy": evaluation.accuracy, "loss": evaluation.loss, **metrics},
        "curves": list(curves),
        "training": {
            "data": provenance.data,
            "data_fingerprint": provenance.fingerprint,
            **training,
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
    labels = trainer.val.labels
    if len(labels) > 1:  # halves calibrate one another
        record = calibrate(evaluation.logits, labels, provenance.data, config.seed)
        card["calibration"] = record.as_dict()
    return {**network, **card}


def licence(start: str, data: str) -> str:
    """Return the terms of the code, the starting weights and the data."""
    code = "Code Apache-2.0. "
    if start == "scratch":
        return f"{code}Trained from random weights on {data}, whose images keep their own terms."
    return (
        f"{code}Starting weights: torchvision (BSD-3-Clause), trained on ImageNet, whose images "
        f"are for research; fine-tuned on {data}, whose images keep their own terms."
    )
