"""Deletion and insertion (RISE: Petsiuk, Das, Saenko 2018, arXiv:1806.07421, section 4.3).

Pixels go, or come, in the order of a map: does the class go, or come, sooner than in the order of
a map that knows nothing of the photo? Two such maps are measured beside each: a Gaussian in the
centre, where photographers put things, and smooth noise. Curves are of the network's own class,
divided by its probability on the whole photo.
"""

from __future__ import annotations

from collections.abc import Generator
from functools import partial

import cv2
import numpy as np
import torch
from torch import Tensor

from ml.explain.combine import upsample
from ml.explain.maps import explain_images
from ml.networks.network import Network
from ml.networks.weights import normalise
from ml.study.packing import pack_shares
from ml.study.records import Curve, DeletionInsertion
from ml.study.scenes import Scene

PHOTOS = 50
STEPS = 10
BLUR = 10.0  # px at 224: the deviation of the blur that insertion starts from
WIDTH = 0.25  # deviation of the centred Gaussian, of the side
GRID = 7  # places on a side of the smooth noise


def deletion_insertion(
    network: Network, scene: Scene, temperature: float, device: str, seed: int
) -> Generator[float, None, dict[str, DeletionInsertion]]:
    """Measure the combined mask, or Grad-CAM where there is none, on a scene's first photos.

    Yield the share done (0..1); return `map`, `gaussian` and `random` -> areas.
    """
    batch = next(scene.batches(PHOTOS))
    images = normalise(batch.pictures.to(device, copy=True))  # which would be written over
    shown = explain_images(network, images)
    method = "attention" if "attention" in shown.maps else "gradcam"
    side = images.shape[-1]
    maps = {
        "map": shown.maps[method]["combined"],
        "gaussian": gaussian(side).expand(len(images), -1, -1),
        "random": smooth_noise(len(images), side, seed),
    }
    classes = shown.logits.argmax(1)
    ask = partial(_probability, network, temperature, classes)
    whole = ask(images)
    bases = {"deletion": torch.zeros_like(images), "insertion": blurred(batch.pictures, device)}
    record: dict[str, DeletionInsertion] = {}
    for number, (name, values) in enumerate(maps.items()):
        order = values.to(device).flatten(1).argsort(dim=1, descending=True, stable=True)
        rank = order.argsort(1).reshape(len(images), 1, side, side)
        areas: dict[str, Curve] = {}
        for kind, base in bases.items():
            first, then = (images, base) if kind == "deletion" else (base, images)
            curve = [ask(torch.where(rank < count, then, first)) for count in _counts(side)]
            areas[kind] = _area(torch.stack(curve, 1) / whole[:, None])
        record[name] = {"deletion": areas["deletion"], "insertion": areas["insertion"]}
        yield (number + 1) / len(maps)
    return record


def _counts(side: int) -> list[int]:
    """Return how many pixels have gone or come at each point of a curve."""
    return [round(side * side * step / STEPS) for step in range(STEPS + 1)]


def gaussian(side: int) -> Tensor:
    """Return a Gaussian in the centre, (1, side, side)."""
    across = torch.arange(side) / (side - 1) - 0.5
    return torch.exp(-(across**2 + across[:, None] ** 2) / (2 * WIDTH**2))[None]


def smooth_noise(count: int, side: int, seed: int) -> Tensor:
    """Return random maps, bilinear between a few places, (count, side, side)."""
    generator = torch.Generator().manual_seed(seed)
    return upsample(torch.rand((count, GRID, GRID), generator=generator), (side, side))


def blurred(pictures: Tensor, device: str) -> Tensor:
    """Return pictures (B, 3, S, S) in 0..255 blurred and normalised."""
    deviation = BLUR * pictures.shape[-1] / 224
    planes = pictures.float().cpu().permute(0, 2, 3, 1).numpy()
    soft = np.stack([cv2.GaussianBlur(plane, (0, 0), deviation) for plane in planes])
    return normalise(torch.from_numpy(soft.transpose(0, 3, 1, 2).copy()).to(device))


@torch.inference_mode()
def _probability(network: Network, temperature: float, classes: Tensor, images: Tensor) -> Tensor:
    """Return the classes' probabilities (B,) in normalised images (B, 3, S, S)."""
    scaled: Tensor = network(images).logits.double() / temperature
    return scaled.softmax(1).gather(1, classes[:, None])[:, 0]


def _area(curves: Tensor) -> Curve:
    areas = torch.trapezoid(curves, dim=1).cpu() / STEPS
    return {"mean": round(areas.mean().item(), 5), "values": pack_shares(areas.numpy())}
