"""ImageNet weights for the backbone: a folder's, torchvision's, or those that come along."""

from __future__ import annotations

import filecmp
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor
from torchvision.models import MobileNet_V2_Weights

from ml.errors import MlError
from ml.files import replacing
from ml.networks.network import Network

FILE_NAME = "mobilenet_v2-imagenet1k-fp16.safetensors"
SHIPPED = Path(__file__).parents[1] / "checkpoints" / "imagenet"
INT8 = "torchvision's int8 release as float16"  # what comes along, in words
MEAN = (0.485, 0.456, 0.406)
STD = (0.229, 0.224, 0.225)


@dataclass(frozen=True)
class ImageNetWeights:
    """torchvision's state dict as float32, and its origin in words."""

    state: dict[str, Tensor]
    origin: str


def find_local(folders: Iterable[Path]) -> Path | None:
    """Return the first local weights file, or None."""
    return next((f / FILE_NAME for f in folders if (f / FILE_NAME).is_file()), None)


def read_local(path: Path) -> dict[str, Tensor]:
    """Read a weights file as float32."""
    return {k: v.float() if v.is_floating_point() else v for k, v in load_file(path).items()}


def load_imagenet(folders: Iterable[Path]) -> ImageNetWeights:
    """Load the weights that training starts from: as `fetch_imagenet`, else those that come along.

    These are the last resort because torchvision's own are more accurate.
    """
    try:
        return fetch_imagenet(folders)
    except MlError:
        origin = f"{FILE_NAME}, which comes along ({INT8})"
        return ImageNetWeights(read_local(SHIPPED / FILE_NAME), origin)


def fetch_imagenet(folders: Iterable[Path]) -> ImageNetWeights:
    """Load the 1000-class weights from one of `folders`, or download them by torchvision.

    Raises:
        MlError: No folder has them and the download failed.
    """
    local = find_local(folders)
    if local is not None:
        shipped = filecmp.cmp(local, SHIPPED / FILE_NAME, shallow=False)
        what = INT8 if shipped else "ImageNet-1k MobileNetV2, torchvision keys"
        return ImageNetWeights(read_local(local), f"{FILE_NAME} ({what})")
    weights = MobileNet_V2_Weights.IMAGENET1K_V2
    try:
        state = dict(weights.get_state_dict(check_hash=True, weights_only=True))
    except (OSError, RuntimeError) as error:
        raise MlError(
            "The ImageNet weights were not found. Either connect to the network, so that "
            f"torchvision can download {weights.url}, or put {FILE_NAME} into a folder and name "
            "it: --weights FOLDER on the command line, SIGHTLINE_WEIGHTS_DIR for a server. "
            f"({type(error).__name__}: {error})"
        ) from error
    return ImageNetWeights(state, f"torchvision {weights} ({weights.url})")


def store(folder: Path, folders: Iterable[Path] = ()) -> Path:
    """Write the weights as float16 safetensors into `folder`.

    Args:
        folder: The folder to write to; created if missing.
        folders: Folders that may have the weights already; otherwise they are downloaded.

    Raises:
        MlError: No folder has them and the download failed.
    """
    path = folder / FILE_NAME
    state = fetch_imagenet(folders).state
    with replacing(path) as part:
        save_file({k: v.half() if v.is_floating_point() else v for k, v in state.items()}, part)
    return path


def put_into(network: Network, state: dict[str, Tensor], head: bool = False) -> None:
    """Copy the trunk's weights (and with `head` the 1000-way linear layer) into `network`."""
    names = {k: v for k, v in state.items() if k.startswith("features.")}
    if head:
        for part in ("weight", "bias"):
            names[f"mechanism.classifier.1.{part}"] = state[f"classifier.1.{part}"]
    try:
        missing, unexpected = network.load_state_dict(names, strict=False)
    except RuntimeError as error:  # a tensor of another shape
        raise MlError(f"These weights do not fit MobileNetV2: {error}") from error
    wrong = unexpected + [m for m in missing if m.startswith("features.")]
    if wrong:
        raise MlError(f"These weights do not fit MobileNetV2: {', '.join(wrong[:3])} ...")


def imagenet_classes() -> tuple[str, ...]:
    """Return the 1000 class names, in the order of the logits."""
    return tuple(MobileNet_V2_Weights.IMAGENET1K_V2.meta["categories"])


def normalise(images: Tensor) -> Tensor:
    """Normalise uint8 (B, 3, H, W) by ImageNet's mean and deviation; float32, channels last."""
    mean = torch.tensor(MEAN, device=images.device).view(1, 3, 1, 1)
    std = torch.tensor(STD, device=images.device).view(1, 3, 1, 1)
    out = images.float().div_(255).sub_(mean).div_(std)
    return out.contiguous(memory_format=torch.channels_last)
