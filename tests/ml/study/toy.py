"""A network that answers perfectly, and from its mask alone, for photos that are made for it.

A photo has one blue patch, which is red for class 0 and green for class 1; all the rest has the
other class's colour. Its mask is where the photo is blue, and it compares red and green there.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from ml.localise import Boxed
from ml.networks.attention.base import Mechanism, Parameters, Slots
from ml.networks.backbones.base import BACKBONES, Backbone
from ml.networks.network import Network
from ml.networks.types import STAGES, Attended, Stage
from ml.train.tasks.photos.data import Images

SIDE, PATCH = 32, 8


class BlueMask(Mechanism):
    classifies_trunk = True
    mask_unit = "share"

    def classify(self, taps: Mapping[Stage, Tensor], head: Tensor) -> Attended:
        x = taps["late"]
        mask = (20 * x[:, 2:3].flatten(1)).softmax(1).view(len(x), 1, *x.shape[2:])
        mask = self.edited("late", mask)
        red, green = (mask * x[:, :2]).sum((2, 3)).unbind(1)
        return Attended(5 * torch.stack([red - green, green - red], 1), {"late": mask})


def _blocks() -> nn.Sequential:
    return nn.Sequential(nn.AvgPool2d(2), nn.AvgPool2d(2), nn.Identity(), nn.Identity())


TOY = Backbone(
    name="toy",
    build=_blocks,
    trunk={"early": 0, "medium": 1, "late": 2},
    channels=dict.fromkeys(STAGES, 3),
    strides={"early": 2, "medium": 4, "late": 4},
    late_head=3,
    head_channels=3,
)
if TOY.name not in BACKBONES:
    BACKBONES.register(TOY.name)(TOY)


def network() -> Network:
    mechanism = BlueMask(Slots(TOY.channels, 3, 2), Parameters())
    return Network(TOY, TOY.build(), mechanism).eval()


def photos(count: int = 60, seed: int = 0) -> tuple[Images, Boxed]:
    """The photos, as a split and with the boxes of their patches."""
    generator = torch.Generator().manual_seed(seed)
    free = (SIDE - PATCH) // 4
    corners = 4 * torch.randint(0, free + 1, (count, 2), generator=generator)
    labels = torch.arange(count) % 2
    images = torch.zeros((count, 3, SIDE, SIDE), dtype=torch.uint8)
    boxes = []
    for image, (x, y), label in zip(images, corners.tolist(), labels.tolist(), strict=True):
        image[1 - label] = 255
        patch = image[:, y : y + PATCH, x : x + PATCH]
        patch[:] = 0
        patch[2] = patch[label] = 255
        edges = (x, y, x + PATCH, y + PATCH)
        boxes.append((tuple(edge / SIDE for edge in edges),))
    split = Images(images, labels, ("red", "green"), (Path("a.png"),) * count)
    small = torch.arange(count) % 3 == 0
    return split, Boxed(images, tuple(labels.tolist()), tuple(boxes), small)
