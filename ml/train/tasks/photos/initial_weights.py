"""The weights that a run on photos starts from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from ml import checkpoint as checkpoints
from ml.errors import MlError
from ml.networks.network import Network
from ml.networks.weights import load_imagenet, put_into
from ml.train.config import TrainConfig


@dataclass(frozen=True)
class InitialWeights:
    """Tensors under the network's own names (empty: random weights), and their origin."""

    state: dict[str, Tensor]
    origin: str


def initial_weights(
    config: TrainConfig, path: Path | None, folders: Sequence[Path] = ()
) -> InitialWeights:
    """Load the weights that `config.start` names.

    Args:
        config: The run's settings.
        path: The checkpoint, for `start=checkpoint`.
        folders: Folders that may hold the ImageNet weights.

    Raises:
        MlError: They are not there, or the file is damaged.
    """
    if config.start == "scratch":
        return InitialWeights({}, "random")
    if config.start == "imagenet":
        imagenet = load_imagenet(folders)
        return InitialWeights(imagenet.state, imagenet.origin)
    if path is None:
        raise MlError("start=checkpoint needs the checkpoint of another run.")
    checkpoint = checkpoints.read(path)
    origin = f"checkpoint {checkpoint.sha256[:16]} ({checkpoint.spec.mechanism})"
    return InitialWeights(checkpoints.load_tensors(path), origin)


def load_partial(network: Network, state: dict[str, Tensor]) -> None:
    """Copy the trunk, and those tensors of modules and head whose name and shape are the same."""
    put_into(network, state)
    own = network.state_dict()
    same = {
        name: tensor
        for name, tensor in state.items()
        if name.startswith("mechanism.") and name in own and own[name].shape == tensor.shape
    }
    network.load_state_dict(same, strict=False)
