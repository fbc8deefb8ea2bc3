"""All maps of one model for one image."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from ml.errors import MlError
from ml.explain.cam import METHODS
from ml.explain.combine import combine
from ml.explain.taps import activations_and_gradients, choose, evaluating
from ml.explain.units import unit_of
from ml.networks.network import Network
from ml.networks.types import STAGES, Attended, Heatmap, ImageResult, Stage
from ml.networks.weights import normalise

MASK_METHODS = ("attention",)


@dataclass(frozen=True)
class LoadedModel:
    """A network ready to explain, with its id in the table and the names of its classes."""

    id: str
    network: Network
    classes: tuple[str, ...]
    device: str = "cpu"


@dataclass(frozen=True)
class Maps:
    """A batch's signed maps: method -> stage or `combined` -> (B, h, w); channels (B, C, h, w)."""

    attended: Attended
    targets: Tensor
    maps: Mapping[str, Mapping[str, Tensor]]
    channels: Mapping[Stage, Tensor]


def explain_batch(
    network: Network,
    images: Tensor,
    targets: Sequence[int | None] | None = None,
    methods: Sequence[str] = ("attention", "gradcam"),
) -> Maps:
    """Explain normalised images (B, 3, H, W): all methods and stages from one forward and backward.

    `attention` gives nothing for a model without masks. MlError for an unknown method.
    """
    cams = {name: METHODS[name].function for name in methods if name not in MASK_METHODS}
    if cams:
        taps: dict[str, nn.Module] = {stage: network.taps[stage] for stage in STAGES}
        tapped = activations_and_gradients(network, images, taps, targets)
        attended, chosen = tapped.output, tapped.targets
    else:
        with evaluating(network), torch.inference_mode():
            attended = network(images)
            chosen = choose(attended.logits, targets)
    masks = {s: attended.masks[s].detach() for s in STAGES if s in attended.masks}
    maps: dict[str, dict[str, Tensor]] = {}
    if "attention" in methods and masks:
        maps["attention"] = {s: m.mean(1) for s, m in masks.items()}
    for name, function in cams.items():
        maps[name] = {s: function(*tapped.values[s]) for s in STAGES}
    size = (images.shape[2], images.shape[3])
    for stages in maps.values():
        stages["combined"] = combine(list(stages.values()), size)
    wide = {s: m for s, m in masks.items() if "attention" in methods and m.shape[1] > 1}
    return Maps(attended, chosen, maps, wide)


def resolve_target(target: int | str, classes: Sequence[str], model: str) -> int | None:
    """Class index of a target; None for `top`. MlError when the model has no such class."""
    if target == "top":
        return None
    if isinstance(target, int) and 0 <= target < len(classes):
        return target
    lowered = [name.lower() for name in classes]
    if isinstance(target, str) and target.lower() in lowered:
        return lowered.index(target.lower())
    raise MlError(
        f"{model} has no class {target!r}. It has {len(classes)}, such as {classes[0]!r}."
    )


def explain_image(
    model: LoadedModel,
    rgb: npt.NDArray[np.uint8],
    *,
    target: int | str = "top",
    methods: Sequence[str] = ("attention", "gradcam"),
) -> ImageResult:
    """Explain one image, uint8 (H, W, 3). MlError for an unknown class or method."""
    began = time.perf_counter()
    index = resolve_target(target, model.classes, model.id)
    pixels = torch.from_numpy(np.ascontiguousarray(rgb.transpose(2, 0, 1)))[None]
    images = normalise(pixels.to(model.device))
    result = explain_batch(model.network, images, [index], methods)
    chosen = index if index is not None else int(result.targets[0])
    logits = result.attended.logits.detach().float()[0]
    return ImageResult(
        model=model.id,
        classes=model.classes,
        logits=logits.cpu().numpy(),
        probabilities=logits.softmax(0).cpu().numpy(),
        target_index=chosen,
        heatmaps=tuple(_heatmaps(model, result, model.classes[chosen])),
        seconds=time.perf_counter() - began,
    )


def _heatmaps(model: LoadedModel, result: Maps, target: str) -> list[Heatmap]:
    found = []
    for method, stages in result.maps.items():
        mask = method in MASK_METHODS
        layers = model.network.mask_layers if mask else model.network.layers
        for stage, values in stages.items():
            layer = layers.get(stage, "early + medium + late")
            array = values[0].float().cpu().numpy()
            unit = unit_of(method, stage, model.network.mechanism.mask_unit)
            found.append(Heatmap(stage, method, unit, layer, array, None if mask else target))
    for stage, values in result.channels.items():
        array = values[0].float().cpu().numpy()
        layer = model.network.mask_layers[stage]
        unit = model.network.mechanism.mask_unit
        found.append(Heatmap(stage, "attention-channels", unit, layer, array))
    return found
