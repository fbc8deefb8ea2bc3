"""Checkpoints: float16 safetensors with their model card, a JSON, beside them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeVar, cast

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from ml.errors import MlError
from ml.files import replacing, write_whole
from ml.model_card import Architecture, ModelCard
from ml.networks.attention.base import MECHANISMS, stored
from ml.networks.network import Network, NetworkSpec, build_network, parse_parameters
from ml.networks.video.base import VideoNetwork, VideoSpec, build_video

NEEDED = ("mechanism", "parameters", "stages", "classes", "backbone")  # to build the network
CLIP = "clip"  # the `kind` of a video network's checkpoint; photo models have none
N = TypeVar("N", bound=nn.Module)


@dataclass(frozen=True)
class Checkpoint:
    """A file, its hash and its model card."""

    path: Path
    sha256: str
    about: ModelCard

    @property
    def spec(self) -> NetworkSpec:
        """The network that these weights fit."""
        a = self.about
        parameters = stored(a["mechanism"], a["parameters"])
        return NetworkSpec(
            a["mechanism"], parameters, tuple(a["stages"]), len(a["classes"]), a["backbone"]
        )

    @property
    def kind(self) -> str:
        """What the model takes: `image` or `clip`."""
        return str(self.about.get("kind", "image"))

    @property
    def video_spec(self) -> VideoSpec:
        """The video network that these weights fit; what the card leaves out is as usual."""
        a = self.about
        index = a.get("class_index")
        motion, of_motion = a.get("flow_mechanism"), a.get("flow_parameters")
        if of_motion is not None or motion not in (None, a["mechanism"]):
            of_motion = stored(motion or a["mechanism"], of_motion or {})
        rgb, flow = a.get("weights", (1.0, 1.5))
        return VideoSpec(
            architecture=a.get("architecture", "two_stream"),
            mechanism=a["mechanism"],
            parameters=stored(a["mechanism"], a["parameters"]),
            stages=tuple(a["stages"]),
            classes=len(a["classes"]),
            flow_length=a.get("flow_length", 10),
            fusion=a.get("fusion", "logits"),
            weights=(rgb, flow),
            consensus=a.get("consensus", "mean"),
            class_index={s: tuple(i) for s, i in index.items() if i} if index else None,
            flow_mechanism=motion,
            flow_parameters=of_motion,
            consensus_parameters=a.get("consensus_parameters", {}),
            backbone=a["backbone"],
        )


def describe_video(spec: VideoSpec) -> Architecture:
    """Return what a clip model's card holds of its network, without the names of its classes.

    It names all parameters, since what a card does not name is as it was before it existed.
    """
    fields = {k: v for k, v in asdict(spec).items() if k != "classes"}
    fields["parameters"] = _complete(*spec.mechanism_of("rgb"))
    if spec.flow_parameters is not None or spec.flow_mechanism not in (None, spec.mechanism):
        fields["flow_parameters"] = _complete(*spec.mechanism_of("flow"))
    return cast(Architecture, {"kind": CLIP, **fields})


def _complete(mechanism: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
    return asdict(parse_parameters(MECHANISMS[mechanism].parameters, parameters))


def save(network: nn.Module, path: Path, about: ModelCard) -> Checkpoint:
    """Write `path` (float16) and its card, each whole or not at all.

    Raises:
        MlError: A weight is not finite as float16.
    """
    if not fits_half(network):
        raise MlError(f"{path.name} was not written: some weights are not finite as float16.")
    state = {
        name: (t.half() if t.is_floating_point() else t).contiguous().cpu()
        for name, t in network.state_dict().items()
        if not name.endswith("num_batches_tracked")
    }
    with replacing(path) as part:
        save_file(state, part)
        part.chmod(0o644)  # safetensors makes files that only their owner may read
    digest = hash_of(path)
    write_about(path, {**about, "checkpoint": {"sha256": digest, "bytes": path.stat().st_size}})
    return read(path)


def hash_of(path: Path) -> str:
    """Return the SHA-256 of a file, in hex digits."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def write_about(path: Path, about: ModelCard) -> None:
    """Write the card beside a checkpoint."""
    text = json.dumps(about, indent=1, ensure_ascii=False) + "\n"
    write_whole(path.with_suffix(".json"), text.encode())


def read(path: Path) -> Checkpoint:
    """Read a checkpoint's card and check the file's hash.

    Raises:
        MlError: A file is missing or damaged.
    """
    side = path.with_suffix(".json")
    if not path.is_file():
        raise MlError(f"There is no checkpoint {path.name} in {path.parent}.")
    if not side.is_file():
        raise MlError(f"{path.name} has no {side.name} beside it, so it cannot be read.")
    about = _about(side)
    digest = hash_of(path)
    if "checkpoint" not in about or about["checkpoint"]["sha256"] != digest:
        raise MlError(f"{path.name} is not the file that {side.name} describes: fetch both again.")
    return Checkpoint(path, digest, about)


def _about(side: Path) -> ModelCard:
    try:
        about = json.loads(side.read_text(encoding="utf-8"))
    except ValueError as error:
        raise MlError(f"{side.name} is not JSON: {error}.") from error
    missing = [key for key in NEEDED if not isinstance(about, dict) or key not in about]
    if missing:
        raise MlError(f"{side.name} does not say its {', '.join(missing)}.")
    card: ModelCard = about
    return card


def load_network(checkpoint: Checkpoint) -> Network:
    """Build the network and fill it with the float16 weights as float32, in eval mode.

    Raises:
        MlError: It is a model of clips, or the weights do not fit the card.
    """
    if checkpoint.kind == CLIP:
        raise MlError(f"{checkpoint.path.name} is a model of clips, not of photos.")
    return _filled(build_network(checkpoint.spec), checkpoint)


def load_video(checkpoint: Checkpoint) -> VideoNetwork:
    """Do as `load_network` for a model of clips; MlError if it is one of photos."""
    if checkpoint.kind != CLIP:
        raise MlError(f"{checkpoint.path.name} is a model of photos, not of clips.")
    return _filled(build_video(checkpoint.video_spec), checkpoint)


def load_tensors(path: Path) -> dict[str, Tensor]:
    """Load a checkpoint's tensors as float32; MlError if it is not a safetensors file."""
    try:
        return {name: tensor.float() for name, tensor in load_file(path).items()}
    except SafetensorError as error:
        raise MlError(f"{path.name} is not a safetensors file: {error}.") from error


def _filled(network: N, checkpoint: Checkpoint) -> N:
    state = load_tensors(checkpoint.path)
    try:
        missing, unexpected = network.load_state_dict(state, strict=False)
    except RuntimeError as error:  # a tensor of another shape
        raise MlError(f"{checkpoint.path.name} does not fit its description: {error}.") from error
    wrong = [m for m in missing if not m.endswith("num_batches_tracked")] + unexpected
    if wrong:
        raise MlError(f"{checkpoint.path.name} does not fit its description: {wrong[0]}.")
    return network.eval()


def fits_half(network: nn.Module) -> bool:
    """Return true if every weight is finite as float16."""
    return all(
        bool(torch.isfinite(t.half()).all())
        for t in network.state_dict().values()
        if t.is_floating_point()
    )
