"""An image network and an LSTM over its features (Donahue et al. 2015, arXiv:1411.4389)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ml.networks.attention.base import PooledClassifier
from ml.networks.backbones.base import BACKBONES
from ml.networks.network import NetworkSpec, build_network
from ml.networks.types import STAGES, About, Paper
from ml.networks.video.base import VIDEO_MODELS, VideoEntry, VideoNetwork, VideoSpec
from ml.networks.video.two_stream import BACKBONE_STAGES
from ml.networks.video.types import ClipAttended, ClipBatch, StreamOutput

HIDDEN = 256


class RecurrentNetwork(VideoNetwork):
    """An LSTM over the pooled features of each snippet's frame, with a prediction at every step.

    The clip's scores are the mean over the steps, as in LRCN, so they add up over time.
    """

    def __init__(self, spec: VideoSpec) -> None:
        super().__init__(spec)
        self.rgb = build_network(
            NetworkSpec(spec.mechanism, spec.parameters, spec.stages, 1, spec.backbone)
        )
        assert isinstance(self.rgb.mechanism, PooledClassifier)
        dropout = self.rgb.mechanism.parameters_used.dropout
        self.rgb.mechanism.classifier = nn.Sequential()  # the LSTM reads the pooled features
        self.lstm = nn.LSTM(BACKBONES[spec.backbone].head_channels, HIDDEN, batch_first=True)
        self.classifier = nn.Sequential(nn.Dropout(dropout), nn.Linear(HIDDEN, spec.classes))
        self.layers["rgb"] = self.rgb.layers
        self.mask_layers["rgb"] = self.rgb.mask_layers

    def tap_layers(self, stream: str) -> dict[str, nn.Module]:  # noqa: ARG002
        """Return the image network's taps, by stage."""
        return {stage: self.rgb.taps[stage] for stage in STAGES}

    def forward(self, batch: ClipBatch) -> ClipAttended:
        """Classify clips by `batch.rgb` (B, K, 3, H, W), whose snippets are in order of time."""
        clips, count = batch.rgb.shape[:2]
        attended = self.rgb(batch.rgb.flatten(0, 1))
        # cuDNN's LSTM has no gradient in eval mode, which Grad-CAM needs
        with torch.backends.cudnn.flags(enabled=self.training):
            hidden: Tensor = self.lstm(attended.logits.reshape(clips, count, -1))[0]
        logits = self.classifier(hidden)
        weights = logits.new_full((clips, count), 1 / count)
        masks = {s: m.reshape(clips, count, *m.shape[1:]) for s, m in attended.masks.items()}
        output = StreamOutput(logits, weights, masks)
        return ClipAttended(output.scores, {"rgb": output}, {"rgb": 1.0})


VIDEO_MODELS.register("cnn_lstm")(
    VideoEntry(
        build=RecurrentNetwork,
        streams=("rgb",),
        stages=BACKBONE_STAGES,
        mechanisms=("plain", "residual", "cbam"),  # those that act within the trunk
        imagenet=True,
        about=About(
            title="CNN and LSTM",
            summary=(
                "An image network turns one frame of every segment into features, and an LSTM "
                "reads them in order. It predicts after every frame from all that it has seen so "
                "far, and the predictions are averaged. A frame's map shows how it changed the "
                "whole answer, including its effect on later predictions."
            ),
            equation=r"h_t = \mathrm{LSTM}(f(x_t), h_{t-1}), \quad z = \frac{1}{K} \sum_t W h_t",
            paper=Paper(
                "Long-term Recurrent Convolutional Networks for Visual Recognition and Description",
                "Donahue, Hendricks, Rohrbach, Venugopalan, Guadarrama, Saenko, Darrell",
                2015,
                "https://arxiv.org/abs/1411.4389",
            ),
        ),
    )
)
