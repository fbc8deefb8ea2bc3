"""The weights that a run starts from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from ml import checkpoint as checkpoints
from ml.errors import MlError


@dataclass(frozen=True)
class InitialWeights:
    """Steps that fill a fresh network, and the origin of the weights, in words."""

    steps: tuple[Callable[[Any], None], ...]
    origin: str

    def load_into(self, network: Any) -> None:
        """Copy the weights into the network; what they lack stays random."""
        for step in self.steps:
            step(network)


RANDOM = InitialWeights((), "random")


def read_start(path: Path | None) -> tuple[dict[str, Tensor], checkpoints.Checkpoint]:
    """Return the tensors, as float32, of the checkpoint that `start=checkpoint` needs.

    Raises:
        MlError: There is none, or the file is damaged.
    """
    if path is None:
        raise MlError("start=checkpoint needs the checkpoint of another run.")
    checkpoint = checkpoints.read(path)
    return checkpoints.load_tensors(path), checkpoint
