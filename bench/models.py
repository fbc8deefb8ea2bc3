"""The networks and the photo that the timings share."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from ml.catalogue import CatalogueEntry, build, entries, load
from ml.explain.results import LoadedModel
from ml.media.photo import fitted, load_rgb
from ml.networks.network import Network
from ml.networks.weights import normalise

PHOTO = Path(__file__).resolve().parents[1] / "static" / "examples" / "parachute.jpg"


@dataclass(frozen=True)
class Model:
    """A shipped model as it was trained (eager, BatchNorm in place) and as the worker holds it."""

    entry: CatalogueEntry
    eager: Network
    ready: LoadedModel


@cache
def shipped() -> tuple[Model, ...]:
    """Return the rows that a photo has by default, in the order of the table."""
    every = (entry for entry in entries() if entry.kind == "image")
    chosen = [entry for entry in every if entry.about.get("default", True)]
    if not chosen:
        raise SystemExit("The benchmarks need shipped checkpoints of photos; there are none.")
    return tuple(Model(entry, build(entry).eval(), load(entry)) for entry in chosen)


def plain() -> Model:
    """Return the ten-class model without attention."""
    return next(model for model in shipped() if model.entry.id == "plain")


@cache
def photo() -> npt.NDArray[np.uint8]:
    """Return an example photo as rows see it by default: its own shape, shorter side 224 px."""
    return fitted(load_rgb(PHOTO), 224, "shape")


def batch(size: int) -> Tensor:
    """Return `size` slightly different normalised images (size, 3, H, W).

    They have torch's default memory order, as the output of torchvision's transforms.
    """
    pixels = torch.from_numpy(photo().transpose(2, 0, 1).copy())
    shifted = [torch.roll(pixels, 7 * i, dims=2) for i in range(size)]
    return normalise(torch.stack(shifted)).contiguous()


class Logits(nn.Module):
    """A network that returns nothing but its logits, as other libraries expect."""

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: Tensor) -> Tensor:
        """(B, 3, H, W) -> (B, K)."""
        return self.network(images).logits


def plain_forward(network: Network, images: Tensor) -> Tensor:
    """Run one eager forward pass in inference mode."""
    with torch.inference_mode():
        return network(images).logits
