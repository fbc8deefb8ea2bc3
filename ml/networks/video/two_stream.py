"""Networks that classify a clip's snippets one by one: two streams, or frames alone."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ml.errors import MlError
from ml.networks.attention.base import MECHANISMS
from ml.networks.backbones.base import BACKBONES, DEFAULT
from ml.networks.network import Network, NetworkSpec, build_network, parse_parameters
from ml.networks.types import STAGES, About, Paper, Stage
from ml.networks.video.base import VIDEO_MODELS, VideoEntry, VideoNetwork, VideoSpec, VideoStage
from ml.networks.video.consensus import CONSENSUS
from ml.networks.video.fusion import FUSIONS, Fusion
from ml.networks.video.norms import freeze_norms
from ml.networks.video.types import STREAMS, ClipAttended, ClipBatch, Stream, StreamOutput


class SnippetNetwork(VideoNetwork):
    """One image network per stream, applied to every snippet; consensus over time, then fusion.

    `rgb` and `flow` are `Network`s; the flow stream's first convolution has 2L input channels.
    """

    def __init__(self, spec: VideoSpec, streams: tuple[Stream, ...]) -> None:
        super().__init__(spec)
        if not 1 <= spec.flow_length <= 32:
            raise MlError(f"flow_length must be from 1 to 32, not {spec.flow_length}.")
        self.streams = streams
        self._frozen_norms: set[Stream] = set()
        entry = CONSENSUS[spec.consensus]
        parameters = parse_parameters(entry.parameters, spec.consensus_parameters)
        self.consensus = nn.ModuleDict()
        for stream in streams:
            network = _network(spec, stream)
            self.add_module(stream, network)
            self.consensus[stream] = entry.build(BACKBONES[spec.backbone].head_channels, parameters)
            self.layers[stream] = network.layers
            self.mask_layers[stream] = network.mask_layers
            if spec.class_index and stream in spec.class_index:
                index = torch.tensor(spec.class_index[stream])
                self.register_buffer(f"{stream}_index", index, persistent=False)
        if len(streams) > 1:
            weights = dict(zip(STREAMS, spec.weights, strict=True))
            self.fusion = FUSIONS[spec.fusion](weights, spec.classes)
        else:
            self.fusion = Fusion({streams[0]: 1.0}, spec.classes)

    def network(self, stream: Stream) -> Network:
        """Return the image network of one stream."""
        network = getattr(self, stream)
        assert isinstance(network, Network)
        return network

    def tap_layers(self, stream: Stream) -> dict[str, nn.Module]:
        """Return the taps of the stream's network, by stage."""
        taps = self.network(stream).taps
        return {stage: taps[stage] for stage in STAGES}

    def run_stream(self, stream: Stream, snippets: Tensor) -> StreamOutput:
        """Run one stream on normalised snippets (B, K, c, H, W)."""
        batch, count = snippets.shape[:2]
        attended = self.network(stream)(snippets.flatten(0, 1))
        assert attended.pooled is not None
        weights: Tensor = self.consensus[stream](attended.pooled.unflatten(0, (batch, count)))

        def expand(logits: Tensor) -> Tensor:
            index: Tensor | None = getattr(self, f"{stream}_index", None)
            wide = logits if index is None else logits[:, index]
            return wide.reshape(batch, count, -1)

        votes = tuple(
            (weight, (weights[..., None] * expand(logits)).sum(1))
            for weight, logits in attended.auxiliary
        )
        masks: dict[Stage, Tensor] = {
            s: m.unflatten(0, (batch, count)) for s, m in attended.masks.items()
        }
        return StreamOutput(expand(attended.logits), weights, masks, votes)

    def forward(self, batch: ClipBatch) -> ClipAttended:
        """Classify clips: all snippets of every stream, consensus, fusion."""
        snippets = {"rgb": batch.rgb, "flow": batch.flow}
        outputs = {stream: self.run_stream(stream, snippets[stream]) for stream in self.streams}
        scores = {stream: output.scores for stream, output in outputs.items()}
        own = tuple((1.0, z) for z in scores.values()) if len(scores) > 1 else ()
        deep = tuple(pair for output in outputs.values() for pair in output.auxiliary)
        return ClipAttended(self.fusion(scores), outputs, self.fusion.weights, own + deep)

    def score(self, output: ClipAttended, targets: Tensor) -> Tensor:
        """Return the sum of all snippets' target logits, so that each snippet has its own map."""
        chosen = [
            o.logits.gather(2, targets[:, None, None].expand(-1, o.logits.shape[1], 1)).sum()
            for o in output.streams.values()
        ]
        return torch.stack(chosen).sum()

    def part(self, stream: Stream, logits: Tensor) -> Tensor:
        """Return what a stream's logits (..., C) contribute to the fused logits."""
        return self.fusion.part(stream, logits)

    def rest(self, target: int) -> float | None:
        """Return the part of the target's logit that no stream contributes."""
        return self.fusion.rest(target)

    def freeze_norms(self, *streams: Stream) -> None:
        """Use partial BN (TSN, section 3.3) for these streams, and only these, from now on.

        All BatchNorms of the trunk but the first keep their statistics and weights in training:
        a few hundred clips are too few to estimate them. The first is trained, since its inputs
        differ most from ImageNet's; so are a mechanism's own norms.
        """
        self._frozen_norms = set(streams)
        self.train(self.training)

    def train(self, mode: bool = True) -> SnippetNetwork:
        """Set the mode of all modules but the frozen norms."""
        super().train(mode)
        for stream in self.streams:
            freeze_norms(self.network(stream).features, stream in self._frozen_norms)
        return self


def _network(spec: VideoSpec, stream: Stream) -> Network:
    mechanism, parameters = spec.mechanism_of(stream)
    channels = 3 if stream == "rgb" else 2 * spec.flow_length
    return build_network(
        NetworkSpec(
            mechanism, parameters, spec.stages, spec.classes_of(stream), spec.backbone, channels
        )
    )


BACKBONE = BACKBONES[DEFAULT]
BACKBONE_STAGES = tuple(
    VideoStage(s, s.capitalize(), BACKBONE.layer(s), BACKBONE.channels[s], BACKBONE.grid(s))
    for s in STAGES
)

VIDEO_MODELS.register("two_stream")(
    VideoEntry(
        build=lambda spec: SnippetNetwork(spec, ("rgb", "flow")),
        streams=("rgb", "flow"),
        stages=BACKBONE_STAGES,
        mechanisms=tuple(MECHANISMS),
        imagenet=True,
        about=About(
            title="Two streams",
            summary=(
                "One network sees a frame, the other only how things move around it: the optical "
                "flow between eleven frames, as twenty channels. Each classifies one snippet of "
                "every segment of the clip, and the scores are averaged over time and then over "
                "the streams. The motion stream has nothing but motion to decide by."
            ),
            equation=r"z = \frac{\sum_s w_s \sum_t a_{s,t} \, z_{s,t}}{\sum_s w_s}",
            paper=Paper(
                "Two-Stream Convolutional Networks for Action Recognition in Videos",
                "Simonyan, Zisserman",
                2014,
                "https://arxiv.org/abs/1406.2199",
            ),
        ),
    )
)
VIDEO_MODELS.register("frame_average")(
    VideoEntry(
        build=lambda spec: SnippetNetwork(spec, ("rgb",)),
        streams=("rgb",),
        stages=BACKBONE_STAGES,
        mechanisms=tuple(MECHANISMS),
        imagenet=True,
        about=About(
            title="Frame averaging",
            summary=(
                "An image network classifies one frame of every segment, and the scores are "
                "averaged. The order of the frames does not matter to it: played backwards, a "
                "clip gives the same answer. It is the baseline for all networks that use time."
            ),
            equation=r"z = \frac{1}{K} \sum_t f(x_t)",
            paper=Paper(
                "Large-scale Video Classification with Convolutional Neural Networks",
                "Karpathy, Toderici, Shetty, Leung, Sukthankar, Fei-Fei",
                2014,
                "https://doi.org/10.1109/CVPR.2014.223",
            ),
        ),
    )
)
