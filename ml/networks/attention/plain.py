"""torchvision's network without attention, for comparison."""

from __future__ import annotations

from ml.networks.attention.base import MECHANISMS, MechanismEntry, Parameters, PooledClassifier
from ml.networks.types import About, Paper

MECHANISMS.register("plain")(
    MechanismEntry(
        build=PooledClassifier,
        parameters=Parameters,
        default_row=("plain", 0),
        about=About(
            title="MobileNetV2",
            summary=(
                "The network without any attention: seventeen inverted residual blocks, average "
                "pooling and one linear layer. It learns no mask, so what it looks at can only be "
                "estimated afterwards, by Grad-CAM. It is the baseline for the other five."
            ),
            equation=r"y = W \, \frac{1}{hw} \sum_{i} A_i + b",
            paper=Paper(
                "MobileNetV2: Inverted Residuals and Linear Bottlenecks",
                "Sandler, Howard, Zhu, Zhmoginov, Chen",
                2018,
                "https://arxiv.org/abs/1801.04381",
            ),
        ),
    )
)
