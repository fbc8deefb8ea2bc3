"""The base class, description and registry of video networks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor, nn

from ml.errors import MlError
from ml.networks.backbones.base import DEFAULT
from ml.networks.network import Network
from ml.networks.registry import Registry
from ml.networks.types import STAGES, About, Stage, Unit
from ml.networks.video.types import ClipAttended, ClipBatch, Stream


@dataclass(frozen=True)
class VideoSpec:
    """Everything needed to build a video network; stored in a checkpoint's JSON.

    Attributes:
        weights: Fusion weights of the RGB and the flow stream; only their ratio matters.
        class_index: Stream -> for each of the model's classes, the index of that stream's own
            class (a stream may have fewer: appearances only, or motions only). None: the same.
        flow_mechanism: None for that of the RGB stream.
        flow_parameters: None for those of the RGB stream.
    """

    architecture: str = "two_stream"
    mechanism: str = "plain"
    parameters: Mapping[str, Any] = field(default_factory=dict)
    stages: Sequence[Stage] = STAGES
    classes: int = 2
    flow_length: int = 10
    fusion: str = "logits"
    weights: tuple[float, float] = (1.0, 1.5)
    consensus: str = "mean"
    class_index: Mapping[Stream, tuple[int, ...]] | None = None
    flow_mechanism: str | None = None
    flow_parameters: Mapping[str, Any] | None = None
    consensus_parameters: Mapping[str, Any] = field(default_factory=dict)
    backbone: str = DEFAULT

    def mechanism_of(self, stream: Stream) -> tuple[str, Mapping[str, Any]]:
        """Return a stream's mechanism and its parameters."""
        if stream == "rgb":
            return self.mechanism, self.parameters
        if self.flow_mechanism in (None, self.mechanism):
            parameters = self.flow_parameters
            return self.mechanism, self.parameters if parameters is None else parameters
        assert self.flow_mechanism is not None
        return self.flow_mechanism, self.flow_parameters or {}

    def classes_of(self, stream: Stream) -> int:
        """Return the number of classes of a stream's classifier, as its `class_index` names them.

        Raises:
            MlError: `class_index` does not have a number from 0 for each of the model's classes.
        """
        index = (self.class_index or {}).get(stream)
        if index is None:
            return self.classes
        if len(index) != self.classes or min(index, default=-1) < 0:
            raise MlError(
                f"class_index of {stream} needs a number from 0 for each of {self.classes} classes."
            )
        return max(index) + 1


class VideoNetwork(nn.Module):
    """Base class: maps a `ClipBatch` to a `ClipAttended`.

    Attributes:
        streams: The streams that it reads.
        whole_clip: Whether it reads all of `ClipBatch.frames` at once, instead of each snippet.
        layers: Stream -> stage -> name of the layer at which CAMs are taken.
        mask_layers: Stream -> stage -> name of the layer at which masks are taken.
    """

    streams: tuple[Stream, ...] = ("rgb",)
    whole_clip = False

    def __init__(self, spec: VideoSpec) -> None:
        super().__init__()
        self.spec = spec
        self.layers: dict[Stream, dict[str, str]] = {}
        self.mask_layers: dict[Stream, dict[str, str]] = {}

    def tap_layers(self, stream: Stream) -> dict[str, nn.Module]:
        """Return, by stage, the identity layers that Grad-CAM hooks into.

        Their outputs are (B*K, C, h, w); (B, C, T, h, w) for networks that read a whole clip.
        """
        raise TypeError(f"{type(self).__name__} cannot explain {stream}")

    def mask_unit(self, stream: Stream) -> Unit:
        """Return the unit of a stream's masks, which is that of its mechanism."""
        network = getattr(self, stream, None)
        return network.mechanism.mask_unit if isinstance(network, Network) else "gate"

    def score(self, output: ClipAttended, targets: Tensor) -> Tensor:
        """Return the sum of each clip's target logit (targets: (B,)), for Grad-CAM."""
        return output.logits.gather(1, targets[:, None]).sum()

    def part(self, stream: Stream, logits: Tensor) -> Tensor:  # noqa: ARG002
        """Return what a stream's logits (..., C) contribute to the fused logits."""
        return logits

    def rest(self, target: int) -> float | None:  # noqa: ARG002
        """Return the part of the target's logit that no stream contributes.

        None if fusion is not linear.
        """
        return 0.0

    @contextmanager
    def rolling_out(self) -> Iterator[dict[str, Tensor]]:
        """Collect attention rollout of the forward pass inside the `with`.

        Yields:
            Stage -> (B, T, h, w), filled at the end of the `with`; empty unless a transformer.
        """
        yield {}

    def forward(self, batch: ClipBatch) -> ClipAttended:
        """Classify clips."""
        raise TypeError(f"{type(self).__name__} does not classify {batch}")


@dataclass(frozen=True)
class VideoStage:
    """A stage of an architecture: its layer, number of channels, and grid side at 224 px."""

    stage: Stage
    title: str
    layer: str
    channels: int
    grid_224: int


@dataclass(frozen=True)
class VideoEntry:
    """A registered architecture.

    Attributes:
        mechanisms: The mechanisms that fit in; only `plain` if none does.
        imagenet: Whether it can start from MobileNetV2's ImageNet weights (`put_imagenet`).
        rollout: Whether it supports attention rollout (`VideoNetwork.rolling_out`).
    """

    build: Callable[[VideoSpec], VideoNetwork]
    about: About
    streams: tuple[Stream, ...]
    stages: tuple[VideoStage, ...]
    mechanisms: tuple[str, ...]
    imagenet: bool
    whole_clip: bool = False
    rollout: bool = False


VIDEO_MODELS: Registry[VideoEntry] = Registry("video architecture", "ml.networks.video")


def build_video(spec: VideoSpec) -> VideoNetwork:
    """Build with random weights; MlError for unknown names or a mechanism that does not fit."""
    entry = VIDEO_MODELS[spec.architecture]
    for stream in entry.streams:
        mechanism = spec.mechanism_of(stream)[0]
        if mechanism not in entry.mechanisms:
            raise MlError(
                f"{spec.architecture} has no place for {mechanism}. "
                f"It takes: {', '.join(entry.mechanisms)}."
            )
    return entry.build(spec)
