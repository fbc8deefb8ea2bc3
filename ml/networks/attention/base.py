"""The two places where a mechanism can act: inside the trunk, and between trunk and classifier."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from torch import Tensor, nn

from ml.networks.registry import Registry
from ml.networks.types import STAGES, About, Attended, Stage, Unit


@dataclass(frozen=True)
class Slots:
    """Where a mechanism may act, and how wide the features are there."""

    channels: Mapping[Stage, int]
    head_channels: int
    num_classes: int
    stages: Sequence[Stage] = STAGES


@dataclass(frozen=True)
class Parameters:
    """Base of every mechanism's parameters; metadata says what a form shows."""

    dropout: float = field(
        default=0.2,
        metadata={
            "title": "Dropout",
            "help": "Share of the pooled features that a training step leaves out.",
            "min": 0,
            "max": 0.95,
            "step": 0.05,
        },
    )


class Mechanism(nn.Module):
    """Base of all: does nothing in the trunk.

    classifies_trunk: whether the classifier reads the trunk's stages, and not the last block; the
    late Grad-CAM is taken at what the classifier reads.
    mask_unit: what the numbers of its masks are.
    """

    classifies_trunk = False
    mask_unit: Unit = "gate"

    def __init__(self, slots: Slots, parameters: Parameters) -> None:
        super().__init__()
        self.slots = slots
        self.parameters_used = parameters

    def refine(self, stage: Stage, x: Tensor) -> tuple[Tensor, Tensor | None]:  # noqa: ARG002
        """Act on the trunk's features (B, C, h, w); return them and the mask used, if any."""
        return x, None

    def classify(self, taps: Mapping[Stage, Tensor], head: Tensor) -> Attended:  # noqa: ARG002
        """Turn the stages' features and the last block's (B, C, h, w) into class scores."""
        raise TypeError(f"{type(self).__name__} does not classify")


class PooledClassifier(Mechanism):
    """Average pooling, dropout and one linear layer: the head that torchvision's network has."""

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
    """A registered mechanism: how to build it, its parameters and what to say of it."""

    build: Callable[..., Mechanism]
    parameters: type[Parameters]
    about: About
    default_row: tuple[str, int]  # the model id it has in the table, and its position


MECHANISMS: Registry[MechanismEntry] = Registry("attention mechanism", "ml.networks.attention")
