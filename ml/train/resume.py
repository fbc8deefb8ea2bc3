"""A run's state between two steps, in a safetensors file: a resumed run gives the same numbers.

Data order, augmentation and dropout are functions of seed and step, so weights, optimiser, scaler
and position are all there is to keep; no random generator carries anything from step to step.
"""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, TypedDict

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save as pack
from torch import Tensor

from ml.errors import MlError
from ml.files import write_whole
from ml.train.config import TrainConfig
from ml.train.trainer import RAN_AWAY, Best, Position, Trainer

NAME = "state.safetensors"


class _Facts(TypedDict):
    config: dict[str, Any]
    position: dict[str, Any]
    best: dict[str, Any]  # without the weights, which are tensors
    scaler: dict[str, Any]
    curves: list[dict[str, float]]


def save(trainer: Trainer, path: Path, curves: list[dict[str, float]]) -> None:
    """Write the state aside, flush and rename it, so that there is always a whole one.

    Raises:
        OSError: It cannot be written; the last state is still there.
        MlError: A weight or a running statistic is not finite (a statistic can overflow while the
            loss is still a number); the last state is still there.
    """
    tensors = {f"network.{k}": v.contiguous() for k, v in trainer.network.state_dict().items()}
    if not all(tensor.isfinite().all() for tensor in tensors.values()):
        raise MlError(RAN_AWAY.format(trainer.done))
    for name, value in (trainer.best.weights or {}).items():
        tensors[f"best.{name}"] = value.contiguous()
    for i, parameter in enumerate(trainer.trainable_parameters()):
        for key, value in trainer.optimiser.state[parameter].items():
            tensors[f"optimiser.{i}.{key}"] = torch.as_tensor(value).contiguous()
    facts: _Facts = {
        "config": asdict(trainer.config),
        "position": asdict(trainer.position),
        "best": {"epoch": trainer.best.epoch, "loss": trainer.best.loss},
        "scaler": trainer.scaler.state_dict(),
        "curves": curves,
    }
    write_whole(path, pack(tensors, metadata={"run": json.dumps(facts)}))


def saved_config(config: TrainConfig, path: Path) -> TrainConfig:
    """Return the configuration with the batch size that an earlier try chose, if one did."""
    if config.batch_size or not path.is_file():
        return config
    return replace(config, batch_size=_read(path, tensors=False)[0]["config"]["batch_size"])


def _read(path: Path, tensors: bool = True) -> tuple[_Facts, dict[str, Tensor]]:
    try:
        with safe_open(path, framework="pt") as file:
            facts: _Facts = json.loads(file.metadata()["run"])
            names = list(file.keys()) if tensors else []
            return facts, {name: file.get_tensor(name) for name in names}
    except (SafetensorError, KeyError, TypeError, ValueError) as error:
        raise MlError(f"{path.name} is damaged: {error}. Delete it to start anew.") from error


def load(trainer: Trainer, path: Path) -> list[dict[str, float]]:
    """Load a saved state into a fresh trainer of the same configuration; return its curves.

    Raises:
        MlError: The file is damaged or belongs to another configuration.
    """
    facts, tensors = _read(path)
    if facts["config"] != json.loads(json.dumps(asdict(trainer.config))):
        raise MlError(f"{path.name} belongs to a run with other settings. Delete it to start anew.")
    try:
        trainer.network.load_state_dict(_under("network.", tensors))
    except RuntimeError as error:
        raise MlError(
            f"{path.name} is of another version's network. Delete it to start anew."
        ) from error
    for i, parameter in enumerate(trainer.trainable_parameters()):
        saved = _under(f"optimiser.{i}.", tensors)
        if saved:
            trainer.optimiser.state[parameter] = {
                k: v if k == "step" else v.to(parameter.device) for k, v in saved.items()
            }
    trainer.scaler.load_state_dict(facts["scaler"])
    trainer.position = Position(**facts["position"])
    best = _under("best.", tensors)
    weights = {k: v.to(trainer.device) for k, v in best.items()} or None
    trainer.best = Best(facts["best"]["epoch"], facts["best"]["loss"], weights)
    return facts["curves"]


def _under(head: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {k.removeprefix(head): v for k, v in tensors.items() if k.startswith(head)}
