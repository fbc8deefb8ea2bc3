"""Maps of batches: all methods, stages and moments from one forward and one backward pass."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from ml.explain.combine import combine
from ml.explain.exact import exact
from ml.explain.methods import METHODS, Cam
from ml.explain.taps import choose, evaluating, tapped
from ml.networks.network import Network
from ml.networks.types import STAGES
from ml.networks.video.base import VideoNetwork
from ml.networks.video.still import StillNetwork
from ml.networks.video.types import ClipAttended, ClipBatch, Stream, StreamOutput

DEFAULT_METHODS = ("attention", "gradcam")
COMBINED_SIZE = (56, 56)  # of a clip; a photo's has the size of its input
StageMaps = dict[str, Tensor]


@dataclass(frozen=True)
class ClipMaps:
    """A batch's signed maps: stream -> method -> stage or `combined` -> (B, T, h, w).

    Those of `attention-channels` are (B, T, C, h, w).
    """

    attended: ClipAttended
    targets: Tensor
    maps: Mapping[Stream, Mapping[str, StageMaps]]


@dataclass(frozen=True)
class ImageMaps:
    """A batch's signed maps: method -> stage or `combined` -> (B, h, w).

    Those of `attention-channels` are (B, C, h, w).
    """

    logits: Tensor
    targets: Tensor
    maps: Mapping[str, StageMaps]


def explain_images(
    network: Network,
    images: Tensor,
    targets: Sequence[int | None] | None = None,
    methods: Sequence[str] = DEFAULT_METHODS,
) -> ImageMaps:
    """As `explain_clips`, for normalised images (B, 3, H, W)."""
    batch = ClipBatch(images[:, None], images[:, None, :0])
    clips = explain_clips(StillNetwork(network), batch, targets, methods)
    maps = {
        method: {stage: values[:, 0] for stage, values in stages.items()}
        for method, stages in clips.maps["rgb"].items()
    }
    return ImageMaps(clips.attended.logits, clips.targets, maps)


def explain_clips(
    network: VideoNetwork,
    batch: ClipBatch,
    targets: Sequence[int | None] | None = None,
    methods: Sequence[str] = DEFAULT_METHODS,
) -> ClipMaps:
    """Explain clips: all streams, methods, stages and snippets from one forward and one backward.

    Weights, flags, hooks and `.grad` stay as they were. Methods that do not apply to the network
    give nothing.

    Args:
        network: A video network, or an image network as a `StillNetwork`.
        batch: Normalised clips.
        targets: One class a clip, None for its top class.
        methods: Names in `METHODS`.

    Raises:
        MlError: A method is unknown, or the targets do not fit.
    """
    cams = {name: cam for name in methods if (cam := METHODS[name].function) is not None}
    seen = _passes(network, batch, targets, taps=bool(cams), rollout="rollout" in methods)
    maps: dict[Stream, dict[str, StageMaps]] = {stream: {} for stream in seen.output.streams}
    masks = {s: _masks(o) for s, o in seen.output.streams.items() if "attention" in methods}
    for stream, stages in masks.items():
        if stages:
            maps[stream]["attention"] = {stage: mask.mean(2) for stage, mask in stages.items()}
    if seen.rollout:
        maps["rgb"]["rollout"] = seen.rollout
    for stream, stage, a, g in seen.tapped:
        for name, cam in cams.items():
            values = _cam(cam, a, g, len(seen.targets))
            maps[stream].setdefault(name, {})[stage] = values
    still = isinstance(network, StillNetwork)
    height, width = batch.rgb.shape[-2:] if still else COMBINED_SIZE
    for by_method in maps.values():
        for stages in by_method.values():
            stages["combined"] = _combined(list(stages.values()), (height, width))
    if still and (wide := {s: m for s, m in masks.get("rgb", {}).items() if m.shape[2] > 1}):
        maps["rgb"]["attention-channels"] = wide
    return ClipMaps(seen.output, seen.targets, maps)


@dataclass(frozen=True)
class _Passes:
    """What one forward and one backward give; `tapped` is (stream, stage, A, gradient)."""

    output: ClipAttended
    targets: Tensor
    tapped: list[tuple[Stream, str, Tensor, Tensor]]
    rollout: StageMaps


def _passes(
    network: VideoNetwork,
    batch: ClipBatch,
    targets: Sequence[int | None] | None,
    *,
    taps: bool,
    rollout: bool,
) -> _Passes:
    """Run the network forward and, if layers are tapped, back from each clip's own target."""
    with evaluating(network), ExitStack() as stack:
        stack.enter_context(torch.enable_grad() if taps else torch.inference_mode())
        stack.enter_context(exact(batch.rgb.device))
        outputs = {
            stream: stack.enter_context(tapped(network.tap_layers(stream)))
            for stream in (network.streams if taps else ())
        }
        rolled = stack.enter_context(network.rolling_out()) if rollout else {}
        output: ClipAttended = network(batch)
        chosen = choose(output.logits, targets)
        places = [(stream, stage) for stream, stages in outputs.items() for stage in stages]
        tensors = [outputs[stream][stage] for stream, stage in places]
        gradients = torch.autograd.grad(network.score(output, chosen), tensors) if taps else ()
    return _Passes(
        output,
        chosen,
        [(*p, a.detach(), g) for p, a, g in zip(places, tensors, gradients, strict=True)],
        rolled,
    )


def _masks(output: StreamOutput) -> StageMaps:
    """A stream's masks in the order of the stages."""
    return {stage: output.masks[stage].detach() for stage in STAGES if stage in output.masks}


def _cam(cam: Cam, a: Tensor, g: Tensor, batch: int) -> Tensor:
    """Activations and gradients of snippets (B*K, C, h, w), or of a 3D layer -> (B, T, h, w).

    To a 3D layer (B, C, T, h, w), space and time are one plane.
    """
    planes = (a.flatten(2, 3), g.flatten(2, 3)) if a.ndim == 5 else (a, g)
    return cam(*planes).reshape(batch, -1, *a.shape[-2:])


def _combined(stages: Sequence[Tensor], size: tuple[int, int]) -> Tensor:
    """Stage maps (B, T_s, h_s, w_s) -> (B, T, *size), T the finest of them, by the one rule.

    A stage with fewer steps is interpolated in time first; each moment is then an image.
    """
    batch, steps = len(stages[0]), max(maps.shape[1] for maps in stages)
    aligned = [_in_steps(maps, steps).flatten(0, 1) for maps in stages]
    return combine(aligned, size).unflatten(0, (batch, steps))  # type: ignore[no-any-return, no-untyped-call]


def _in_steps(maps: Tensor, steps: int) -> Tensor:
    if maps.shape[1] == steps:
        return maps
    flat = maps.flatten(2).transpose(1, 2)  # (B, h*w, T)
    return (
        F.interpolate(flat, size=steps, mode="linear", align_corners=False)
        .transpose(1, 2)
        .reshape(len(maps), steps, *maps.shape[2:])
    )
