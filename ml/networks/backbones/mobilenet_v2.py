"""torchvision's MobileNetV2 (Sandler et al. 2018, arXiv:1801.04381)."""

from __future__ import annotations

from torchvision.models import mobilenet_v2

from ml.networks.backbones.base import BACKBONES, Backbone

BACKBONES.register("mobilenet_v2")(
    Backbone(
        name="mobilenet_v2",
        build=lambda: mobilenet_v2(weights=None).features,
        trunk={"early": 6, "medium": 13, "late": 17},
        channels={"early": 32, "medium": 96, "late": 320},
        strides={"early": 8, "medium": 16, "late": 32},
        late_head=18,
        head_channels=1280,
    )
)
