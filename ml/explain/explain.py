"""What one model says of a photo or a clip: maps over time, and what decided."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import nullcontext

import numpy as np
import torch
from torch import Tensor

from ml.errors import MlError
from ml.explain.certainty import ImageNet, certainty
from ml.explain.effects import MaskEffects, effects_of_masks
from ml.explain.maps import DEFAULT_METHODS, ClipMaps, explain_clips
from ml.explain.methods import METHODS, unit_of
from ml.explain.replay import recording
from ml.explain.results import ClipScores, Explanation, LoadedModel, StreamScores, Track
from ml.explain.targets import TOP, Target, resolve_target
from ml.networks.network import Network
from ml.networks.video.base import VideoNetwork
from ml.networks.video.inputs import prepare
from ml.networks.video.sampling import spread
from ml.networks.video.still import StillNetwork
from ml.networks.video.types import ClipAttended, Sampled, Seconds, Shares, Stream

NOT_FINITE = (
    "{} answers with numbers that are not finite (NaN or infinity): its weights are damaged. "
    "Use a sound copy of it, or leave it out."
)


def explain(
    model: LoadedModel,
    sampled: Sampled,
    *,
    target: Target | None = TOP,
    methods: Sequence[str] = DEFAULT_METHODS,
    imagenet: ImageNet | None = None,
) -> Explanation:
    """Explain one photo (`Sampled.of_photo`) or clip.

    Args:
        model: The model.
        sampled: The pixels.
        target: The class that evidence is for; `top` is the model's own, None is a class that it
            does not know: there is no evidence then.
        methods: Names of the maps wanted.
        imagenet: What the 1000-class network says of the same pixels: some models need it to
            know what they do not know, and never abstain without it.

    Raises:
        MlError: A class or method is unknown, the clip has too few flow fields, or a logit or a
            map is not finite.
    """
    began = time.perf_counter()
    network = model.network
    if isinstance(network, Network):
        network = StillNetwork(network)
    index = None if target is None else resolve_target(target, model.classes, model.id)
    wanted = methods if target is not None else [m for m in methods if not METHODS[m].function]
    batch = prepare(network, [sampled], model.device)
    of_photo = network.rgb if isinstance(network, StillNetwork) else None
    edited = of_photo if "attention" in methods else None  # its masks are replaced afterwards
    with nullcontext() if edited is None else recording(edited) as seen:
        maps = explain_clips(network, batch, [index], wanted)
    chosen = None if target is None else int(maps.targets[0])
    name = None if chosen is None else model.classes[chosen]
    still = of_photo is not None
    logits = maps.attended.logits.detach()[0].to(torch.float32 if still else torch.float64)
    _check_finite(model.id, logits, maps)
    if imagenet is not None:
        imagenet.note(model, logits)
    sure = certainty(model, logits, imagenet)
    temperature = model.calibration.temperature if model.calibration else 1.0
    effects: dict[str, MaskEffects] = {}
    if edited is not None and seen is not None:
        masks = list(maps.attended.streams["rgb"].masks)
        own = int(maps.targets[0])  # the top class of a model that does not know the target
        asked = (own, model.classes[own])
        effects = effects_of_masks(edited, seen, masks, logits, asked, temperature)
        _check_effects(model.id, effects)
    return Explanation(
        model=model.id,
        classes=model.classes,
        logits=logits.float().cpu().numpy(),
        probabilities=sure.probabilities.float().cpu().numpy(),
        target_index=chosen,
        tracks=tuple(_tracks(network, maps, sampled, name, effects)),
        seconds=time.perf_counter() - began,
        temperature=temperature,
        in_domain=sure.in_domain,
        abstained=sure.abstained,
        clip=None if still else _clip_scores(network, sampled, maps.attended, chosen),
    )


def _check_effects(model_id: str, effects: Mapping[str, MaskEffects]) -> None:
    changes = [e.probability_change for f in effects.values() for e in (f.if_even, f.if_blob)]
    if not np.isfinite(changes).all():
        raise MlError(NOT_FINITE.format(model_id))


def _check_finite(model_id: str, logits: Tensor, maps: ClipMaps) -> None:
    every = [
        values
        for methods in maps.maps.values()
        for stages in methods.values()
        for values in stages.values()
    ]
    if not all(bool(torch.isfinite(values).all()) for values in (logits, *every)):
        raise MlError(NOT_FINITE.format(model_id))


def _clip_scores(
    network: VideoNetwork, sampled: Sampled, output: ClipAttended, target: int | None
) -> ClipScores:
    times, bounds = _steps(network, sampled, output)
    if target is None:
        return ClipScores(times, bounds, _scores(output), {}, 0.0, network.spec.fusion)
    shares = _shares(network, output, target)
    rest = network.rest(target)
    if rest is None:
        added = sum(float(values.sum()) for values in shares.values())
        rest = float(output.logits[0, target].detach()) - added
    return ClipScores(times, bounds, _scores(output), shares, rest, network.spec.fusion)


def _shares(network: VideoNetwork, output: ClipAttended, target: int) -> dict[Stream, Shares]:
    """Stream -> [T]: what each moment adds to the target's fused logit, a_t (part of z_t)."""
    shares: dict[Stream, Shares] = {}
    for stream, scores in output.streams.items():
        with torch.no_grad():
            parts = network.part(stream, scores.logits[0].double())[:, target]
            shares[stream] = (scores.consensus[0].double() * parts).cpu().numpy()
    return shares


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
    """When the scores are of: the snippets, or equal parts of what was seen of the clip."""
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


def _tracks(
    network: VideoNetwork,
    maps: ClipMaps,
    sampled: Sampled,
    target: str | None,
    effects: Mapping[str, MaskEffects],
) -> Iterator[Track]:
    for stream, methods in maps.maps.items():
        for method, stages in methods.items():
            of_target = METHODS[method].function is not None
            layers = (network.layers if of_target else network.mask_layers)[stream]
            for stage, values in stages.items():
                yield Track(
                    stream=stream,
                    stage=stage,
                    method=method,
                    unit=unit_of(method, stage, network.mask_unit(stream)),
                    layer=layers.get(stage, "early + medium + late"),
                    values=values[0].float().cpu().numpy(),
                    times=track_times(network, sampled, values.shape[1]),
                    target=target if of_target else None,
                    effects=effects.get(stage) if method == "attention" else None,
                )
