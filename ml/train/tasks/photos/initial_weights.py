"""The weights that a run starts from."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from ml import checkpoint as checkpoints
from ml.errors import MlError
from ml.networks.network import Network
from ml.train.config import TrainConfig
from ml.weights import load_imagenet, put_into


@dataclass(frozen=True)
class Start:
    """Tensors under the network's own names (none: random), and where they are from."""

    state: dict[str, Tensor]
    origin: str


def starting(config: TrainConfig, path: Path | None) -> Start:
    """Load what `config.start` says; MlError when it is not there."""
    if config.start == "scratch":
        return Start({}, "random")
    if config.start == "imagenet":
        found = load_imagenet()
        return Start(found.state, found.origin)
    if path is None:
        raise MlError("start=checkpoint needs the checkpoint of another run.")
    checkpoint = checkpoints.read(path)
    try:
        state = {name: tensor.float() for name, tensor in load_file(path).items()}
    except SafetensorError as error:
        raise MlError(f"{path.name} is not a safetensors file: {error}.") from error
    return Start(state, f"checkpoint {checkpoint.sha256[:16]} ({checkpoint.spec.mechanism})")


def put(network: Network, state: dict[str, Tensor]) -> None:
    """Copy the trunk, and those tensors of modules and head whose name and shape are the same."""
    put_into(network, state)
    own = network.state_dict()
    same = {
        name: tensor
        for name, tensor in state.items()
        if name.startswith("mechanism.") and name in own and own[name].shape == tensor.shape
    }
    network.load_state_dict(same, strict=False)
