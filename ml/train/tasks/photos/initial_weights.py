"""The weights that a run on photos starts from."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from torch import Tensor

from ml.networks.network import Network
from ml.networks.weights import load_imagenet, put_into
from ml.train.config import TrainConfig
from ml.train.initial_weights import RANDOM, InitialWeights, read_start


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
        return RANDOM
    if config.start == "imagenet":
        imagenet = load_imagenet(folders)
        return partial_weights(imagenet.state, imagenet.origin)
    state, checkpoint = read_start(path)
    origin = f"checkpoint {checkpoint.sha256[:16]} ({checkpoint.spec.mechanism})"
    return partial_weights(state, origin)


def partial_weights(state: dict[str, Tensor], origin: str) -> InitialWeights:
    """Return the trunk, and those tensors of modules and head whose name and shape are the same."""

    def load(network: Network) -> None:
        put_into(network, state)
        expected = network.state_dict()
        same = {
            name: tensor
            for name, tensor in state.items()
            if name.startswith("mechanism.")
            and name in expected
            and expected[name].shape == tensor.shape
        }
        network.load_state_dict(same, strict=False)

    return InitialWeights((load,), origin)
