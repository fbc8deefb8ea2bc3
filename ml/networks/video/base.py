"""What a video network is, how one is described, and the list of all."""

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
    """All that is needed to build a video network, as it stands in a checkpoint's JSON.

    weights: of the RGB and the flow stream in the fusion; only their ratio counts.
    class_index: stream -> for each of the model's classes, the number of that stream's own class
    (a stream may know fewer: appearances only, or motions only); None where they are the same.
    flow_mechanism, flow_parameters: None is the same as the RGB stream's.
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
        """The mechanism in one stream, and its parameters."""
        if stream == "rgb" or self.flow_mechanism in (None, self.mechanism):
            own = self.flow_parameters if stream == "flow" else None
            return self.mechanism, self.parameters if own is None else own
        assert self.flow_mechanism is not None
        return self.flow_mechanism, self.flow_parameters or {}

    def classes_of(self, stream: Stream) -> int:
        """How many classes a stream's own classifier has; MlError for an index that does not fit.

        It is as many as its `class_index` names.
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
    """Base of all: takes a `ClipBatch`, returns a `ClipAttended`.

    streams: what it reads. whole_clip: whether that is `ClipBatch.frames`, all at once; else it
    sees the snippets one by one.
    layers, mask_layers: stream -> stage -> the layer's name, for people.
    """

    streams: tuple[Stream, ...] = ("rgb",)
    whole_clip = False

    def __init__(self, spec: VideoSpec) -> None:
        super().__init__()
        self.spec = spec
        self.layers: dict[Stream, dict[str, str]] = {}
        self.mask_layers: dict[Stream, dict[str, str]] = {}

    def tap_layers(self, stream: Stream) -> dict[str, nn.Module]:
        """Identity layers by stage where Grad-CAM listens.

        Their outputs are (B*K, C, h, w) or, of networks that see a whole clip, (B, C, T, h, w).
        """
        raise TypeError(f"{type(self).__name__} cannot explain {stream}")

    def mask_unit(self, stream: Stream) -> Unit:
        """What the numbers of a stream's masks are: those of its mechanism."""
        network = getattr(self, stream, None)
        return network.mechanism.mask_unit if isinstance(network, Network) else "gate"

    def score(self, output: ClipAttended, targets: Tensor) -> Tensor:
        """What Grad-CAM differentiates: each clip's target logit (targets: (B,)), summed."""
        return output.logits.gather(1, targets[:, None]).sum()

    def part(self, stream: Stream, logits: Tensor) -> Tensor:  # noqa: ARG002
        """What logits (..., C) of a stream add to the fused logits."""
        return logits

    def rest(self, target: int) -> float | None:  # noqa: ARG002
        """What belongs to no stream in the target's logit; None where fusion is not linear."""
        return 0.0

    @contextmanager
    def rolling_out(self) -> Iterator[dict[str, Tensor]]:
        """Collect attention rollout of the forward pass in the `with`; filled when it ends.

        Stage -> (B, T, h, w), up to that stage. Nothing, but for transformers.
        """
        yield {}

    def forward(self, batch: ClipBatch) -> ClipAttended:
        """Classify clips."""
        raise TypeError(f"{type(self).__name__} does not classify {batch}")


@dataclass(frozen=True)
class VideoStage:
    """A column of the table: where its maps are taken, the layer's width and its grid at 224 px."""

    stage: Stage
    title: str
    layer: str
    channels: int
    grid_224: int


@dataclass(frozen=True)
class VideoEntry:
    """A registered architecture: how to build it, what it reads and what can be shown of it.

    rollout: whether its attention can be rolled out (`VideoNetwork.rolling_out`).
    mechanisms: those that fit; none but `plain` where a network has no place for any.
    imagenet: whether it can start from MobileNetV2's ImageNet weights (`put_imagenet`).
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
    """Build with random weights; MlError for unknown names, or a mechanism that has no place."""
    entry = VIDEO_MODELS[spec.architecture]
    for stream in entry.streams:
        mechanism = spec.mechanism_of(stream)[0]
        if mechanism not in entry.mechanisms:
            raise MlError(
                f"{spec.architecture} has no place for {mechanism}. "
                f"It takes: {', '.join(entry.mechanisms)}."
            )
    return entry.build(spec)
