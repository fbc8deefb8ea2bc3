"""The description of a backbone that mechanisms need."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from torch import nn

from ml.networks.registry import Registry
from ml.networks.types import Stage

DEFAULT = "mobilenet_v2"


@dataclass(frozen=True)
class Backbone:
    """A convolutional trunk cut into numbered blocks.

    Attributes:
        name: Its name in checkpoints.
        build: Returns the blocks with random weights.
        trunk: Stage -> index of the block after which a module may act.
        channels: Stage -> number of channels after that block.
        strides: Stage -> input pixels per grid cell, along one side.
        late_head: Index of the last block, whose output is pooled for the classifier.
        head_channels: Number of channels after the last block.
    """

    name: str
    build: Callable[[], nn.Sequential]
    trunk: Mapping[Stage, int]
    channels: Mapping[Stage, int]
    strides: Mapping[Stage, int]
    late_head: int
    head_channels: int

    def layer(self, stage: Stage) -> str:
        """Return the name of the layer after which a module may act."""
        return f"features.{self.trunk[stage]}"

    def grid(self, stage: Stage, size: int = 224) -> int:
        """Return the side of a stage's grid in cells, for inputs of `size` px."""
        return -(-size // self.strides[stage])


BACKBONES: Registry[Backbone] = Registry("backbone", "ml.networks.backbones")
