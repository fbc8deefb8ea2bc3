"""All maps of one video model for one clip, over time, and who decided what."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from ml.explain.cam import METHODS
from ml.explain.combine import combine
from ml.explain.photo import resolve_target
from ml.explain.taps import choose, evaluating, tapped
from ml.explain.units import unit_of
from ml.networks.video.base import VideoNetwork
from ml.networks.video.inputs import prepare
from ml.networks.video.sampling import spread
from ml.networks.video.types import (
    ClipAttended,
    ClipBatch,
    ClipResult,
    Sampled,
    Seconds,
    Shares,
    Stream,
    StreamScores,
    Track,
)

MASK_METHODS = ("attention", "rollout")  # not of a target: what the network itself weighs by
COMBINED_SIZE = (56, 56)
StageMaps = Mapping[str, Tensor]


@dataclass(frozen=True)
class LoadedClipModel:
    """A video network ready to explain, with its id and the names of its classes."""

    id: str
    network: VideoNetwork
    classes: tuple[str, ...]
    device: str = "cpu"


@dataclass(frozen=True)
class ClipMaps:
    """A batch's signed maps: stream -> method -> stage or `combined` -> (B, T, h, w)."""

    attended: ClipAttended
    targets: Tensor
    maps: Mapping[Stream, Mapping[str, StageMaps]]


def explain_clips(
    network: VideoNetwork,
    batch: ClipBatch,
    targets: Sequence[int | None] | None = None,
    methods: Sequence[str] = ("attention", "gradcam"),
) -> ClipMaps:
    """Explain clips: all streams, methods, stages and snippets from one forward and one backward.

    targets: one class a clip, None for its top class. Methods that an architecture has no use for
    (masks without a mechanism, rollout without a transformer) give nothing; MlError for one that
    is unknown. Weights, flags, hooks and `.grad` stay as they were.
    """
    cams = [name for name in methods if name not in MASK_METHODS]
    functions = {name: METHODS[name].function for name in cams}
    with evaluating(network), torch.set_grad_enabled(bool(cams)), ExitStack() as stack:
        taps = {
            stream: stack.enter_context(tapped(network.tap_layers(stream) if cams else {}))
            for stream in network.streams
        }
        rolled: dict[str, Tensor] = {}
        if "rollout" in methods:
            rolled = stack.enter_context(network.rolling_out())
        output: ClipAttended = network(batch)
        chosen = choose(output.logits, targets)
        found = [(stream, stage) for stream in taps for stage in taps[stream]]
        tensors = [taps[stream][stage] for stream, stage in found]
        gradients = torch.autograd.grad(network.score(output, chosen), tensors) if tensors else ()
    maps: dict[Stream, dict[str, dict[str, Tensor]]] = {}
    for stream, scores in output.streams.items():
        maps[stream] = {}
        if "attention" in methods and scores.masks:
            maps[stream]["attention"] = {s: m.detach().mean(2) for s, m in scores.masks.items()}
    if rolled:
        maps["rgb"]["rollout"] = rolled
    for (stream, stage), a, g in zip(found, tensors, gradients, strict=True):
        for name, function in functions.items():
            values = _over_time(function(*_planes(a.detach(), g)), a, len(output.logits))
            maps[stream].setdefault(name, {})[stage] = values
    for own in maps.values():
        for stages in own.values():
            stages["combined"] = _combined(list(stages.values()))
    return ClipMaps(output, chosen, maps)


def _planes(a: Tensor, g: Tensor) -> tuple[Tensor, Tensor]:
    """What the methods of `ml.explain.cam` take. Space and time are one plane to a 3D layer."""
    return (a.flatten(2, 3), g.flatten(2, 3)) if a.ndim == 5 else (a, g)


def _over_time(maps: Tensor, a: Tensor, batch: int) -> Tensor:
    """Maps (B*K, h, w) of snippets, or (B, T*h, w) of a 3D layer -> (B, T, h, w)."""
    return maps.reshape(batch, -1, *a.shape[-2:])


def _combined(stages: Sequence[Tensor]) -> Tensor:
    """Stage maps (B, T_s, h_s, w_s) -> (B, T, 56, 56), T the finest of them, by the one rule.

    A stage with fewer steps is interpolated in time first; each moment is then an image.
    """
    batch, steps = len(stages[0]), max(maps.shape[1] for maps in stages)
    aligned = [_in_steps(maps, steps).flatten(0, 1) for maps in stages]
    return combine(aligned, COMBINED_SIZE).unflatten(0, (batch, steps))  # type: ignore[no-any-return, no-untyped-call]


def _in_steps(maps: Tensor, steps: int) -> Tensor:
    if maps.shape[1] == steps:
        return maps
    flat = maps.flatten(2).transpose(1, 2)  # (B, h*w, T)
    return (
        F.interpolate(flat, size=steps, mode="linear", align_corners=False)
        .transpose(1, 2)
        .reshape(len(maps), steps, *maps.shape[2:])
    )


def explain_clip(
    model: LoadedClipModel,
    sampled: Sampled,
    *,
    target: int | str = "top",
    methods: Sequence[str] = ("attention", "gradcam"),
) -> ClipResult:
    """Explain one clip. MlError for an unknown class or method, or too few flow fields."""
    began = time.perf_counter()
    network = model.network
    index = resolve_target(target, model.classes, model.id)
    batch = prepare(network, [sampled], model.device)
    found = explain_clips(network, batch, [index], methods)
    chosen = int(found.targets[0])
    logits = found.attended.logits.detach().double()[0]
    times, bounds = _steps(network, sampled, found.attended)
    shares = _shares(network, found.attended, chosen)
    known = network.rest(chosen)
    added = sum(float(values.sum()) for values in shares.values())
    return ClipResult(
        model=model.id,
        classes=model.classes,
        logits=logits.float().cpu().numpy(),
        probabilities=logits.softmax(0).float().cpu().numpy(),
        target_index=chosen,
        times=times,
        bounds=bounds,
        streams=_scores(found.attended),
        shares=shares,
        rest=float(logits[chosen]) - added if known is None else known,
        tracks=tuple(_tracks(model, found, sampled, model.classes[chosen])),
        seconds=time.perf_counter() - began,
        fusion=network.spec.fusion,
    )


def _shares(network: VideoNetwork, output: ClipAttended, target: int) -> dict[Stream, Shares]:
    """Stream -> [T]: what each moment adds to the target's fused logit, a_t (part of z_t)."""
    found: dict[Stream, Shares] = {}
    for stream, scores in output.streams.items():
        with torch.no_grad():
            parts = network.part(stream, scores.logits[0].double())[:, target]
            found[stream] = (scores.consensus[0].double() * parts).cpu().numpy()
    return found


def _scores(output: ClipAttended) -> dict[Stream, StreamScores]:
    return {
        stream: StreamScores(
            weight=output.weights[stream],
            logits=scores.logits[0].detach().float().cpu().numpy(),
            consensus=scores.consensus[0].detach().float().cpu().numpy(),
        )
        for stream, scores in output.streams.items()
    }


def _steps(
    network: VideoNetwork, sampled: Sampled, output: ClipAttended
) -> tuple[Seconds, Seconds]:
    """When the scores speak of: the snippets, or equal parts of what was seen of the clip."""
    if not network.whole_clip:
        return sampled.snippet_times, sampled.bounds
    count = next(iter(output.streams.values())).logits.shape[1]
    edges = np.linspace(sampled.bounds[0, 0], sampled.bounds[-1, 1], count + 1)
    return (edges[:-1] + edges[1:]) / 2, np.stack([edges[:-1], edges[1:]], 1)


def track_times(network: VideoNetwork, sampled: Sampled, count: int) -> Seconds:
    """When each of a track's `count` maps is, in seconds.

    A layer that sees a whole clip has one step for every 1, 2, 4 ... of the frames that went in;
    it is centred (its kernels are symmetric) on the first of them.
    """
    if not network.whole_clip:
        return sampled.snippet_times
    seen = sampled.times[:, spread(*sampled.times.shape)].reshape(-1)
    stride = -(-len(seen) // count)
    return seen[::stride][:count]


def _tracks(model: LoadedClipModel, found: ClipMaps, sampled: Sampled, target: str) -> list[Track]:
    tracks = []
    network = model.network
    for stream, methods in found.maps.items():
        for method, stages in methods.items():
            mask = method in MASK_METHODS
            layers = (network.mask_layers if mask else network.layers)[stream]
            for stage, values in stages.items():
                tracks.append(
                    Track(
                        stream=stream,
                        stage=stage,
                        method=method,
                        unit=unit_of(method, stage, network.mask_unit(stream)),
                        layer=layers.get(stage, "early + medium + late"),
                        values=values[0].float().cpu().numpy(),
                        times=track_times(network, sampled, values.shape[1]),
                        target=None if mask else target,
                    )
                )
    return tracks
