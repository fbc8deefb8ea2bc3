"""A photo as a clip of one moment."""

from __future__ import annotations

from torch import nn

from ml.networks.network import Network
from ml.networks.types import STAGES
from ml.networks.video.base import VideoNetwork, VideoSpec
from ml.networks.video.types import ClipAttended, ClipBatch, StreamOutput


class StillNetwork(VideoNetwork):
    """An image network that takes clips of one frame, without motion."""

    def __init__(self, network: Network) -> None:
        super().__init__(VideoSpec(architecture="still"))
        self.rgb = network
        self.layers["rgb"] = network.layers
        self.mask_layers["rgb"] = network.mask_layers

    def tap_layers(self, stream: str) -> dict[str, nn.Module]:  # noqa: ARG002
        """The image network's own taps, by stage."""
        return {stage: self.rgb.taps[stage] for stage in STAGES}

    def forward(self, batch: ClipBatch) -> ClipAttended:
        """Classify photos, `batch.rgb` (B, 1, 3, H, W)."""
        attended = self.rgb(batch.rgb[:, 0])
        logits = attended.logits
        masks = {stage: mask[:, None] for stage, mask in attended.masks.items()}
        output = StreamOutput(logits[:, None], logits.new_ones((len(logits), 1)), masks)
        return ClipAttended(logits, {"rgb": output}, {"rgb": 1.0})
