"""ImageNet weights for video networks, with cross-modality initialisation of the flow stream."""

from __future__ import annotations

from torch import Tensor, nn

from ml.errors import MlError
from ml.networks.network import Network
from ml.networks.video.base import VideoNetwork
from ml.networks.weights import put_into


def cross_modality(stem: Tensor, channels: int) -> Tensor:
    """Convert the first convolution's weights (O, 3, k, k) to (O, channels, k, k).

    They are the mean over the three colours, repeated (Wang et al. 2016, section 3.3), times
    3 / channels. An input that is equal in all channels then gives exactly what grey gives in
    RGB, so activations keep the scale of the next BatchNorm's statistics. (Without the factor,
    the sum over 2L = 20 channels would be 20/3 times too large.)
    """
    mean = stem.mean(1, keepdim=True)
    return (mean * (3 / channels)).repeat(1, channels, 1, 1)


def put_imagenet(network: VideoNetwork, state: dict[str, Tensor]) -> None:
    """Initialise every stream's trunk with MobileNetV2's ImageNet weights (torchvision's keys).

    Raises:
        MlError: The architecture has no such trunk, or the weights do not fit.
    """
    trunks = [m for m in network.children() if isinstance(m, Network)]
    if not trunks:
        raise MlError(
            f"{network.spec.architecture} does not contain MobileNetV2: start from random weights."
        )
    for trunk in trunks:
        put_into(trunk, fitted(trunk, state))


def fitted(network: Network, state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return the weights with a first convolution for this network's input channels."""
    name, stem = next(
        (name, m) for name, m in network.features.named_modules() if isinstance(m, nn.Conv2d)
    )
    key = f"features.{name}.weight"
    if key not in state or state[key].shape[1] == stem.in_channels:
        return state
    return {**state, key: cross_modality(state[key], stem.in_channels)}
