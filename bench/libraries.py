"""Comparison with other Grad-CAM libraries: speed, and that maps agree to 1e-4."""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import version
from statistics import median

import numpy as np
from captum.attr import LayerGradCam
from pytorch_grad_cam import GradCAM
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget
from torch import Tensor, nn
from torchcam.methods import GradCAM as TorchCam

from bench.models import Logits, batch, plain
from bench.report import Row, Section, milliseconds
from bench.timing import alternate
from ml.explain.maps import explain_images
from ml.networks.network import Network
from ml.networks.types import STAGES

Maps = dict[str, np.ndarray]
GOALS = {"pytorch-grad-cam": 7.0, "captum": 4.0, "torch-cam": 1.4}
PACKAGES = {"pytorch-grad-cam": "grad-cam", "captum": "captum", "torch-cam": "torchcam"}
HOW = {
    "pytorch-grad-cam": "one GradCAM a layer, as its README shows",
    "captum": "one LayerGradCam a layer",
    "torch-cam": "one extractor for three layers, its fastest way",
}


def section(rounds: int) -> Section:
    """Time all four implementations in turn, and compare the maps."""
    model, images = plain(), batch(1)
    target = int(model.eager(images).logits.argmax())
    theirs = [lambda name=name: WAYS[name](model.eager, images, target) for name in GOALS]
    ours, unfolded, *others = alternate(
        [
            lambda: explain_images(model.ready.network, images, [target], ("gradcam",)),
            lambda: explain_images(model.eager, images, [target], ("gradcam",)),
            *theirs,
        ],
        rounds,
    )
    signed = _ours(model.eager, images, target)
    folded = difference(_ours(model.ready.network, images, target), signed, clipped=False)
    rows = []
    for name, times in zip(GOALS, others, strict=True):
        factor, same = median(times) / median(ours), median(times) / median(unfolded)
        apart = difference(signed, MAPS[name](model.eager, images, target), name != "captum")
        rows.append(
            Row(
                "Grad-CAM of three stages (ours with combined), batch 1, 224 px",
                f"{name} {version(PACKAGES[name])}: {HOW[name]}",
                f"{factor:.1f} x faster: {milliseconds(median(ours))} against "
                f"{milliseconds(median(times))} ({same:.1f} x on the same, unfolded network); "
                f"on that network, largest difference of a map {apart:.1e} of its range",
                f"at least {GOALS[name]:g} x faster, the same map to 1e-4",
                factor >= GOALS[name] and apart <= 1e-4,
            )
        )
    remark = f"Folding changes this photo's maps by at most {folded:.1e} of their range. "
    return Section("Against other libraries", tuple(rows), (*REMARKS, remark + KINKS))


REMARKS = (
    (
        "Maps are compared on the layer's own grid, before any resizing or scaling: captum's "
        "signed, the other two after their ReLU."
    ),
    (
        "The libraries get the network as trained; ours is the worker's folded copy, which is part "
        "of what makes it quick, so the figure for the unfolded network stands beside it."
    ),
)


KINKS = (
    "It can be some 1e-3 where an activation lies within rounding of a kink of ReLU6: the gradient "
    "jumps there, in any implementation, and so it does between one and two threads."
)


def _ours(network: Network, images: Tensor, target: int) -> Maps:
    """Return our signed maps of the three stages."""
    maps = explain_images(network, images, [target], ("gradcam",)).maps["gradcam"]
    return {stage: maps[stage][0].numpy() for stage in STAGES}


def layers(network: Network) -> list[nn.Module]:
    """Return the layers of the three stages."""
    return [network.features[6], network.features[13], network.features[18]]


def difference(ours: Maps, theirs: Maps, clipped: bool) -> float:
    """Return the largest difference in any stage, relative to that stage's range."""
    apart = []
    for stage, values in ours.items():
        mine = np.maximum(values, 0) if clipped else values
        span = float(np.ptp(mine)) or 1.0
        apart.append(float(np.abs(mine - theirs[stage]).max()) / span)
    return max(apart)


def _grad_cam(network: Network, images: Tensor, target: int) -> list[np.ndarray]:
    model, maps = Logits(network), []
    for layer in layers(network):
        with GradCAM(model=model, target_layers=[layer]) as cam:
            maps.append(cam(input_tensor=images, targets=[ClassifierOutputTarget(target)]))
    return maps


def _captum(network: Network, images: Tensor, target: int) -> list[Tensor]:
    model = Logits(network)
    return [LayerGradCam(model, layer).attribute(images, target) for layer in layers(network)]


def _torch_cam(network: Network, images: Tensor, target: int) -> list[Tensor]:
    model = Logits(network)
    with TorchCam(model, layers(network)) as extractor:
        scores = model(images)
        return extractor(target, scores)


def _grad_cam_maps(network: Network, images: Tensor, target: int) -> Maps:
    """Return pytorch-grad-cam's maps before it resizes and scales them."""
    model, maps, targets = Logits(network), {}, [ClassifierOutputTarget(target)]
    for stage, layer in zip(STAGES, layers(network), strict=True):
        with GradCAM(model=model, target_layers=[layer]) as cam:
            cam(input_tensor=images, targets=targets)
            hooks = cam.activations_and_grads
            values, gradients = hooks.activations[0].numpy(), hooks.gradients[0].numpy()
            raw = cam.get_cam_image(images, layer, targets, values, gradients)
            maps[stage] = np.maximum(raw[0], 0)
    return maps


def _captum_maps(network: Network, images: Tensor, target: int) -> Maps:
    maps = _captum(network, images, target)
    return {s: m[0, 0].detach().numpy() for s, m in zip(STAGES, maps, strict=True)}


def _torch_cam_maps(network: Network, images: Tensor, target: int) -> Maps:
    model = Logits(network)
    with TorchCam(model, layers(network)) as extractor:
        maps = extractor(target, model(images), normalized=False)
    return {s: m[0].detach().numpy() for s, m in zip(STAGES, maps, strict=True)}


WAYS: dict[str, Callable[[Network, Tensor, int], object]] = {
    "pytorch-grad-cam": _grad_cam,
    "captum": _captum,
    "torch-cam": _torch_cam,
}
MAPS: dict[str, Callable[[Network, Tensor, int], Maps]] = {
    "pytorch-grad-cam": _grad_cam_maps,
    "captum": _captum_maps,
    "torch-cam": _torch_cam_maps,
}
