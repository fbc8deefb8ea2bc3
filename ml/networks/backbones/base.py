"""What a backbone has to say of itself so that any mechanism can be put into it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from torch import nn

from ml.networks.registry import Registry
from ml.networks.types import Stage


@dataclass(frozen=True)
class Backbone:
    """A convolutional trunk cut into numbered blocks.

    trunk: stage -> index of the block after which a module may act there.
    channels: stage -> width after that block.
    late_head: index of the last block, whose output (`head_channels` wide) is pooled for the
    classifier and where the late Grad-CAM is taken.
    """

    name: str
    features: nn.Sequential
    trunk: Mapping[Stage, int]
    channels: Mapping[Stage, int]
    late_head: int
    head_channels: int


BACKBONES: Registry[Callable[[], Backbone]] = Registry("backbone", "ml.networks.backbones")
