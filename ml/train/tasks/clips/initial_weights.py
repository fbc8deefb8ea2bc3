"""The weights that a clip run starts from, stream by stream."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from ml import checkpoint as checkpoints
from ml.catalogue import SHIPPED
from ml.errors import MlError
from ml.networks.video.base import VIDEO_MODELS, VideoNetwork
from ml.networks.video.weights import put_imagenet
from ml.train.tasks.clips.config import MOTION, PHOTOS, ClipConfig
from ml.weights import load_imagenet

CAMERA_MOTION = SHIPPED / "clips" / "camera-motion.safetensors"


@dataclass(frozen=True)
class Start:
    """What to do with a fresh network, and where the weights are from, in words."""

    steps: tuple[Callable[[VideoNetwork], None], ...]
    origin: str

    def put(self, network: VideoNetwork) -> None:
        """Fill the network."""
        for step in self.steps:
            step(network)


def starting(config: ClipConfig, path: Path | None) -> Start:
    """Load what the configuration says; MlError when it is not there."""
    if config.start == "checkpoint":
        if path is None:
            raise MlError("start=checkpoint needs the checkpoint of another run.")
        state, name = _tensors(path)
        return Start((lambda network: put_same(network, state),), f"checkpoint {name}")
    if config.start == "scratch" or not VIDEO_MODELS[config.architecture].imagenet:
        return Start((), "random")
    found = load_imagenet()
    steps = [lambda network: put_imagenet(network, found.state)]
    origin = found.origin
    if config.rgb_start == PHOTOS:
        photos, name = _tensors(SHIPPED / f"{config.mechanism}.safetensors")
        steps.append(lambda network: put_same(network, _under("rgb.", photos)))
        origin += f"; RGB stream: the photo model {name}"
    if config.flow_start == MOTION:
        motion, name = _tensors(CAMERA_MOTION)
        trunk = {k: v for k, v in motion.items() if k.startswith("flow.features.")}
        steps.append(lambda network: put_same(network, trunk))
        origin += f"; motion stream: the camera-motion model {name}"
    return Start(tuple(steps), origin)


def put_same(network: VideoNetwork, state: Mapping[str, Tensor]) -> None:
    """Copy the tensors whose name and shape the network has.

    MlError where a whole trunk is left as it was: the weights are of another kind of network.
    """
    own = network.state_dict()
    same = {k: v for k, v in state.items() if k in own and own[k].shape == v.shape}
    if not any(".features." in name for name in same):
        raise MlError("These weights fit no part of the network.")
    network.load_state_dict(same, strict=False)


def _under(head: str, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {head + name: tensor for name, tensor in state.items()}


def _tensors(path: Path) -> tuple[dict[str, Tensor], str]:
    """A checkpoint's tensors as float32, and the first digits of its hash."""
    checkpoint = checkpoints.read(path)
    try:
        state = {k: v.float() for k, v in load_file(path).items()}
    except SafetensorError as error:
        raise MlError(f"{path.name} is not a safetensors file: {error}.") from error
    return state, checkpoint.sha256[:16]
