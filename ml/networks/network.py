"""A backbone with an attention mechanism: one class for all six models."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any, TypeVar

from torch import Tensor, nn

from ml.errors import MlError
from ml.networks.attention.base import MECHANISMS, Mechanism, Slots
from ml.networks.backbones.base import BACKBONES, DEFAULT, Backbone
from ml.networks.types import STAGES, Attended, Stage

P = TypeVar("P")


@dataclass(frozen=True)
class NetworkSpec:
    """Everything needed to build a network; stored in a checkpoint's JSON."""

    mechanism: str = "plain"
    parameters: Mapping[str, Any] = field(default_factory=dict)
    stages: Sequence[Stage] = STAGES
    num_classes: int = 10
    backbone: str = DEFAULT
    in_channels: int = 3  # of the first convolution: 2L for a stack of L flow fields


class Network(nn.Module):
    """Returns `Attended`; `taps` holds the identity layers that Grad-CAM hooks into."""

    def __init__(self, backbone: Backbone, features: nn.Sequential, mechanism: Mechanism) -> None:
        super().__init__()
        self.backbone = backbone.name
        self.features = features
        self.mechanism = mechanism
        self._after = {index: stage for stage, index in backbone.trunk.items()}
        self.taps = nn.ModuleDict({stage: nn.Identity() for stage in STAGES})
        self.mask_layers: dict[str, str] = {s: backbone.layer(s) for s in STAGES}
        self.layers = dict(self.mask_layers)
        if not mechanism.classifies_trunk:
            self.layers["late"] = f"features.{backbone.late_head}"

    def forward(self, images: Tensor, start: int = 0) -> Attended:
        """Classify images.

        Args:
            images: (B, 3, H, W), normalised; or the output of block `start - 1`.
            start: The first block to run; above 0 when training on cached frozen features.
        """
        x, trunk, masks = images, {}, {}
        for index, block in enumerate(self.features[start:], start):
            x = block(x)
            stage = self._after.get(index)
            if stage is not None:
                if stage in self.mechanism.slots.stages:
                    x, mask = self.mechanism.refine(stage, x)
                    if mask is not None:
                        masks[stage] = mask
                if stage != "late" or self.mechanism.classifies_trunk:
                    x = self.taps[stage](x)
                trunk[stage] = x
        if not self.mechanism.classifies_trunk:
            x = self.taps["late"](x)
        attended = self.mechanism.classify(trunk, x)
        return replace(attended, masks={**masks, **attended.masks}, pooled=x.mean((2, 3)))


def parse_parameters(kind: type[P], values: Mapping[str, Any]) -> P:
    """Build a parameters dataclass; MlError for an unknown name or a value not in its choices."""
    known = {f.name: f for f in fields(kind)}  # type: ignore[arg-type]
    for name, value in values.items():
        if name not in known:
            raise MlError(f"Unknown parameter {name!r}. Known: {', '.join(known)}.")
        choices = known[name].metadata.get("choices")
        if choices and value not in choices:
            raise MlError(f"{name} must be one of {', '.join(choices)}, not {value!r}.")
    return kind(**values)


def set_stem(features: nn.Module, channels: int) -> None:
    """Replace the first convolution by one with `channels` input channels and random weights."""
    for name, old in features.named_modules():
        if isinstance(old, nn.Conv2d):
            new = nn.Conv2d(
                channels,
                old.out_channels,
                old.kernel_size,  # type: ignore[arg-type]
                old.stride,  # type: ignore[arg-type]
                old.padding,  # type: ignore[arg-type]
                bias=old.bias is not None,
            )
            nn.init.kaiming_normal_(new.weight, mode="fan_out")  # as torchvision does
            features.set_submodule(name, new)
            return


def build_network(spec: NetworkSpec) -> Network:
    """Build a network with random weights; MlError for unknown names, parameters or stages."""
    unknown = [s for s in spec.stages if s not in STAGES]
    if unknown or len(set(spec.stages)) != len(spec.stages) or not spec.stages:
        raise MlError(f"stages must be some of {', '.join(STAGES)}, each once; got {spec.stages}.")
    backbone = BACKBONES[spec.backbone]
    features = backbone.build()
    if spec.in_channels != 3:
        set_stem(features, spec.in_channels)
    entry = MECHANISMS[spec.mechanism]
    ordered = tuple(s for s in STAGES if s in spec.stages)
    slots = Slots(backbone.channels, backbone.head_channels, spec.num_classes, ordered)
    mechanism = entry.build(slots, parse_parameters(entry.parameters, spec.parameters))
    return Network(backbone, features, mechanism)
