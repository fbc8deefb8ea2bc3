"""A video transformer: torchvision's smallest, MViTv2-S (Li et al. 2022, arXiv:2112.01526)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torchvision.models.video import mvit_v2_s

from ml.networks.attention.base import Parameters
from ml.networks.network import parse_parameters
from ml.networks.types import STAGES, About, Paper, Stage
from ml.networks.video.base import VIDEO_MODELS, VideoEntry, VideoNetwork, VideoSpec, VideoStage
from ml.networks.video.rollout import Grid, Layer, Softmaxes, rollout
from ml.networks.video.spacetime import whole_clips
from ml.networks.video.types import ClipAttended, ClipBatch, StreamOutput

# The late tap is at the last block but one: the classifier reads only the class token, so the
# last block's patch tokens have no effect, and hence no gradient.
TAPPED: dict[Stage, int] = {"early": 2, "medium": 13, "late": 14}
ROLLED: dict[Stage, int] = {"early": 2, "medium": 13, "late": 15}
SIZES: dict[Stage, tuple[int, int]] = {"early": (192, 28), "medium": (384, 14), "late": (768, 7)}


class VideoTransformer(VideoNetwork):
    """Patches of 2 frames x 4 x 4 px and sixteen blocks, which halve the grid three times."""

    whole_clip = True

    def __init__(self, spec: VideoSpec) -> None:
        super().__init__(spec)
        dropout = parse_parameters(Parameters, spec.parameters).dropout
        self.trunk = mvit_v2_s(weights=None, num_classes=spec.classes, dropout=dropout)
        self.taps = nn.ModuleDict({stage: nn.Identity() for stage in STAGES})
        self.layers["rgb"] = {s: f"blocks.{i}" for s, i in TAPPED.items()}
        self.mask_layers["rgb"] = {s: f"blocks.0 to {i}" for s, i in ROLLED.items()}

    def tap_layers(self, stream: str) -> dict[str, nn.Module]:  # noqa: ARG002
        """Return the taps on the patch tokens as (B, C, T, h, w), by stage."""
        return {stage: self.taps[stage] for stage in STAGES}

    def forward(self, batch: ClipBatch) -> ClipAttended:
        """Classify clips of any size by `batch.frames` (relative positions are interpolated)."""
        patches = self.trunk.conv_proj(whole_clips(batch))
        grid: Grid = tuple(patches.shape[2:])
        x = self.trunk.pos_encoding(patches.flatten(2).transpose(1, 2))
        after = {index: stage for stage, index in TAPPED.items()}
        for index, block in enumerate(self.trunk.blocks):
            x, grid = block(x, grid)
            if index in after:
                x = self._tap(after[index], x, grid)
        logits: Tensor = self.trunk.head(self.trunk.norm(x)[:, 0])
        output = StreamOutput(logits[:, None], logits.new_ones((len(logits), 1)), {})
        return ClipAttended(logits, {"rgb": output}, {"rgb": 1.0})

    def _tap(self, stage: Stage, x: Tensor, grid: Grid) -> Tensor:
        patches = x[:, 1:].transpose(1, 2)
        tapped = self.taps[stage](patches.reshape(*patches.shape[:2], *grid))
        return torch.cat([x[:, :1], tapped.flatten(2).transpose(1, 2)], 1)

    @contextmanager
    def rolling_out(self) -> Iterator[dict[str, Tensor]]:
        """Collect rollout by stage of the forward pass in the `with`; filled when it ends."""
        maps: dict[str, Tensor] = {}
        layers: list[Layer] = []
        with ExitStack() as stack:
            softmaxes = stack.enter_context(Softmaxes())

            def record(block: nn.Module, inputs: tuple[Tensor, Grid], outputs: Any) -> None:
                tokens, queries = inputs[1], tuple(outputs[1])
                keys = _key_grid(block, tokens)
                layers.append(Layer(softmaxes.outputs[-1], tokens, queries, keys))

            for block in self.trunk.blocks:
                stack.callback(block.register_forward_hook(record).remove)
            yield maps
        for stage, last in ROLLED.items():
            maps[stage] = rollout(layers[: last + 1])


def _key_grid(block: nn.Module, tokens: Grid) -> Grid:
    """Return the grid of a block's keys."""
    pool = block.get_submodule("attn.pool_k.pool")
    assert isinstance(pool, nn.Conv3d)
    t, h, w = (-(-n // stride) for n, stride in zip(tokens, pool.stride, strict=True))
    return t, h, w


VIDEO_MODELS.register("mvit")(
    VideoEntry(
        build=VideoTransformer,
        streams=("rgb",),
        stages=tuple(
            VideoStage(s, f"Block {i + 1}", f"blocks.{i}", *SIZES[s]) for s, i in TAPPED.items()
        ),
        rollout=True,
        mechanisms=("plain",),
        imagenet=False,
        whole_clip=True,
        about=About(
            title="Video transformer",
            mask_range="distribution",
            summary=(
                "The clip is cut into small blocks of space and time, and every layer lets each "
                "block attend to all others; the grid gets coarser on the way. Rollout multiplies "
                "the attention of all layers into one map per moment of where the answer was "
                "drawn from, for no class in particular. Grad-CAM reads the blocks' features."
            ),
            equation=r"\tilde{A} = \prod_l \tfrac{1}{2} (A_l + I)",
            paper=Paper(
                "MViTv2: Improved Multiscale Vision Transformers for Classification and Detection",
                "Li, Wu, Fan, Mangalam, Xiong, Malik, Feichtenhofer",
                2022,
                "https://arxiv.org/abs/2112.01526",
            ),
        ),
    )
)
