"""The interface of attention mechanisms, which act in the trunk or after it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

from torch import Tensor, nn

from ml.networks.registry import Registry
from ml.networks.types import STAGES, About, Attended, Stage, Unit


@dataclass(frozen=True)
class Slots:
    """The stages at which a mechanism may act, and the number of channels there."""

    channels: Mapping[Stage, int]
    head_channels: int
    num_classes: int
    stages: Sequence[Stage] = STAGES


Edit = Callable[[Tensor], Tensor]  # of a mask (B, C, h, w), keeping the shape


def unchanged(mask: Tensor) -> Tensor:
    """Return the mask itself."""
    return mask


DROPOUT = {
    "title": "Dropout",
    "help": "Share of the pooled features that a training step leaves out.",
    "min": 0,
    "max": 0.95,
    "step": 0.05,
}


@dataclass(frozen=True)
class Parameters:
    """Base of all mechanisms' parameters; the fields' metadata describes them to forms.

    A field that came later has `absent` in its metadata: its value in a stored model that does not
    name it. New models name them all.
    """

    dropout: float = field(default=0.2, metadata=DROPOUT)


class Mechanism(nn.Module):
    """Base class, which leaves the trunk unchanged.

    Attributes:
        classifies_trunk: Whether the classifier reads the trunk's stages instead of the last
            block. The late Grad-CAM is taken at whatever the classifier reads.
        mask_unit: The unit of its masks' values.
        edit: Replaces every mask before it acts (`ml.explain.interventions`); None leaves them.
    """

    classifies_trunk = False
    mask_unit: Unit = "gate"
    edit: Callable[[Stage, Tensor], Tensor] | None = None

    def __init__(self, slots: Slots, parameters: Parameters) -> None:
        super().__init__()
        self.slots = slots
        self.parameters_used = parameters

    def edited(self, stage: Stage, mask: Tensor) -> Tensor:
        """Return the mask (B, C, h, w) that is to act: the network's own, unless `edit` is set."""
        return mask if self.edit is None else self.edit(stage, mask)

    def refine(self, stage: Stage, x: Tensor) -> tuple[Tensor, Tensor | None]:  # noqa: ARG002
        """Return the refined trunk features (B, C, h, w), and the mask that was used, if any."""
        return x, None

    def classify(self, taps: Mapping[Stage, Tensor], head: Tensor) -> Attended:  # noqa: ARG002
        """Compute class scores from the stages' features and the last block's (B, C, h, w)."""
        raise TypeError(f"{type(self).__name__} does not classify")


class PooledClassifier(Mechanism):
    """Average pooling, dropout and a linear layer, as in torchvision's MobileNetV2."""

    def __init__(self, slots: Slots, parameters: Parameters) -> None:
        super().__init__(slots, parameters)
        self.classifier = nn.Sequential(
            nn.Dropout(parameters.dropout), nn.Linear(slots.head_channels, slots.num_classes)
        )

    def classify(self, taps: Mapping[Stage, Tensor], head: Tensor) -> Attended:  # noqa: ARG002
        """Pool `head` over space and classify it; masks come from `refine`."""
        return Attended(self.classifier(head.mean((2, 3))), {})


@dataclass(frozen=True)
class MechanismEntry:
    """A registered mechanism: its constructor, parameters and description."""

    build: Callable[..., Mechanism]
    parameters: type[Parameters]
    about: About
    default_row: tuple[str, int]  # id and position of its shipped model in the table


def stored(mechanism: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Complete a stored model's parameters with the `absent` values of those it does not name.

    Raises:
        MlError: There is no such mechanism.
    """
    known = fields(MECHANISMS[mechanism].parameters)
    absent = {f.name: f.metadata["absent"] for f in known if "absent" in f.metadata}
    return {**absent, **parameters}


def has_masks(mechanism: str, parameters: Mapping[str, Any]) -> bool:
    """Return true if a network with this mechanism makes masks."""
    no_masks = MECHANISMS[mechanism].about.mask_range == "none"
    return not no_masks and parameters.get("mask") != "none"


MECHANISMS: Registry[MechanismEntry] = Registry("attention mechanism", "ml.networks.attention")
