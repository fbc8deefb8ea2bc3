"""What a backbone has to say of itself so that any mechanism can be put into it."""

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
        name: What a checkpoint calls it.
        build: Returns the blocks with random weights.
        trunk: Stage -> index of the block after which a module may act there.
        channels: Stage -> width after that block.
        strides: Stage -> px of the input's side that one place of the grid stands for.
        late_head: Index of the last block, whose output (`head_channels` wide) is pooled for the
            classifier and where the late Grad-CAM is taken.
        head_channels: Width after the last block.
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
        """Return how many places a side of a stage's grid has, for inputs of `size` px."""
        return -(-size // self.strides[stage])


BACKBONES: Registry[Backbone] = Registry("backbone", "ml.networks.backbones")
