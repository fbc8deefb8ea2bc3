"""Convolutions over space and time: torchvision's R3D-18 and R(2+1)D-18 (Tran et al. 2018)."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor, nn
from torchvision.models.video import r2plus1d_18, r3d_18

from ml.errors import MlError
from ml.networks.attention.base import Parameters
from ml.networks.network import parse_parameters
from ml.networks.types import STAGES, About, Paper, Stage
from ml.networks.video.base import VIDEO_MODELS, VideoEntry, VideoNetwork, VideoSpec, VideoStage
from ml.networks.video.types import ClipAttended, ClipBatch, StreamOutput

LAYERS: dict[Stage, str] = {"early": "layer2", "medium": "layer3", "late": "layer4"}
PAPER = Paper(
    "A Closer Look at Spatiotemporal Convolutions for Action Recognition",
    "Tran, Wang, Torresani, Ray, LeCun, Paluri",
    2018,
    "https://arxiv.org/abs/1711.11248",
)


def whole_clips(batch: ClipBatch) -> Tensor:
    """Return a batch's frames in order of time: (B, K, F, 3, H, W) -> (B, 3, K*F, H, W).

    Raises:
        MlError: The batch has no frames.
    """
    if batch.frames is None:
        raise MlError("This architecture reads a clip's frames, and the batch has none.")
    return batch.frames.flatten(1, 2).transpose(1, 2)


class SpaceTimeNetwork(VideoNetwork):
    """A 3D ResNet whose head is linear in each of the T' last steps: scores add up over time."""

    whole_clip = True

    def __init__(self, spec: VideoSpec, build: Callable[..., nn.Module]) -> None:
        super().__init__(spec)
        self.trunk = build(weights=None)
        self.trunk.fc = nn.Identity()
        dropout = parse_parameters(Parameters, spec.parameters).dropout
        self.classifier = nn.Sequential(nn.Dropout(dropout), nn.Linear(512, spec.classes))
        self.taps = nn.ModuleDict({stage: nn.Identity() for stage in STAGES})
        self.layers["rgb"] = {s: LAYERS[s] for s in STAGES}
        self.mask_layers["rgb"] = {s: LAYERS[s] for s in STAGES}

    def tap_layers(self, stream: str) -> dict[str, nn.Module]:  # noqa: ARG002
        """Return the taps after layers 2, 3 and 4, by stage."""
        return {stage: self.taps[stage] for stage in STAGES}

    def forward(self, batch: ClipBatch) -> ClipAttended:
        """Classify clips by `batch.frames`."""
        x = self.trunk.get_submodule("layer1")(self.trunk.get_submodule("stem")(whole_clips(batch)))
        for stage, layer in LAYERS.items():
            x = self.taps[stage](self.trunk.get_submodule(layer)(x))
        logits = self.classifier(x.mean((3, 4)).transpose(1, 2))  # (B, T', C)
        weights = logits.new_full(logits.shape[:2], 1 / logits.shape[1])
        output = StreamOutput(logits, weights, {})
        return ClipAttended(output.scores, {"rgb": output}, {"rgb": 1.0})


def _register(name: str, build: Callable[..., nn.Module], about: About) -> None:
    sizes = {"early": (128, 56), "medium": (256, 28), "late": (512, 14)}
    VIDEO_MODELS.register(name)(
        VideoEntry(
            build=lambda spec: SpaceTimeNetwork(spec, build),
            about=about,
            streams=("rgb",),
            stages=tuple(
                VideoStage(s, f"Layer {layer[-1]}", layer, *sizes[s]) for s, layer in LAYERS.items()
            ),
            mechanisms=("plain",),
            imagenet=False,
            whole_clip=True,
        )
    )


_register(
    "r3d_18",
    r3d_18,
    About(
        title="3D ResNet-18",
        summary=(
            "Its kernels are cubes, three pixels by three pixels by three frames, so that motion "
            "is learnt together with appearance. Deep layers have few steps of time left: of "
            "sixteen frames the last layer keeps two. A mask over a single frame does not fit in, "
            "but Grad-CAM reads any layer, over space and time."
        ),
        equation=r"L = \sum_k \Big( \frac{1}{Z} \sum_{t,i} g_{k,t,i} \Big) A_{k}",
        paper=PAPER,
    ),
)
_register(
    "r2plus1d_18",
    r2plus1d_18,
    About(
        title="R(2+1)D-18",
        summary=(
            "Each cube-shaped kernel of the 3D network is split in two: first a square over space, "
            "then a line over time, with a nonlinearity between. It has as many weights and is "
            "easier to train. As in the 3D network, maps have few steps of time in deep layers."
        ),
        equation=r"x \mapsto W_t * \mathrm{ReLU}(\mathrm{BN}(W_s * x))",
        paper=PAPER,
    ),
)
