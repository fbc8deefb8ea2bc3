"""The weights that a clip run starts from, stream by stream."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from torch import Tensor

from ml.catalogue import SHIPPED
from ml.errors import MlError
from ml.networks.video.base import VIDEO_MODELS, VideoNetwork
from ml.networks.video.weights import put_imagenet
from ml.networks.weights import load_imagenet
from ml.train.initial_weights import RANDOM, InitialWeights, read_start
from ml.train.tasks.clips.config import MOTION, PHOTOS, ClipConfig

CAMERA_MOTION = SHIPPED / "clips" / "camera-motion.safetensors"


def initial_weights(
    config: ClipConfig, path: Path | None, folders: Sequence[Path] = ()
) -> InitialWeights:
    """Load the weights that the configuration names.

    Args:
        config: The run's settings.
        path: The checkpoint, for `start=checkpoint`.
        folders: Folders that may hold the ImageNet weights.

    Raises:
        MlError: They are not there, or a file is damaged.
    """
    if config.start == "checkpoint":
        state, checkpoint = read_start(path)
        origin = f"checkpoint {checkpoint.sha256[:16]}"
        return InitialWeights((lambda network: load_matching(network, state),), origin)
    if config.start == "scratch" or not VIDEO_MODELS[config.architecture].imagenet:
        return RANDOM
    imagenet = load_imagenet(folders)
    steps = [lambda network: put_imagenet(network, imagenet.state)]
    origin = imagenet.origin
    if config.rgb_start == PHOTOS:
        photos, model = read_start(SHIPPED / f"{config.mechanism}.safetensors")
        steps.append(lambda network: load_matching(network, _under("rgb.", photos)))
        origin += f"; RGB stream: the photo model {model.sha256[:16]}"
    if config.flow_start == MOTION:
        motion, model = read_start(CAMERA_MOTION)
        trunk = {k: v for k, v in motion.items() if k.startswith("flow.features.")}
        steps.append(lambda network: load_matching(network, trunk))
        origin += f"; motion stream: the camera-motion model {model.sha256[:16]}"
    return InitialWeights(tuple(steps), origin)


def load_matching(network: VideoNetwork, state: Mapping[str, Tensor]) -> None:
    """Copy the tensors whose name and shape the network has.

    Raises:
        MlError: Not one tensor of a trunk fits: the weights are of another kind of network.
    """
    own = network.state_dict()
    same = {k: v for k, v in state.items() if k in own and own[k].shape == v.shape}
    if not any(".features." in name for name in same):
        raise MlError("These weights fit no part of the network.")
    network.load_state_dict(same, strict=False)


def _under(head: str, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {head + name: tensor for name, tensor in state.items()}
