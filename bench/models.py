"""The networks and the photo that the timings share."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from ml.catalogue import IMAGENET_ID, CatalogueEntry, build, entries, load
from ml.explain.results import LoadedModel
from ml.media.photo import load_rgb, squash
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
    """Return the six models, in the order of the table."""
    chosen = [entry for entry in entries() if entry.kind == "image" and entry.id != IMAGENET_ID]
    if len(chosen) != 6:
        raise SystemExit(f"The benchmarks need six shipped checkpoints; there are {len(chosen)}.")
    return tuple(Model(entry, build(entry).eval(), load(entry)) for entry in chosen)


@cache
def photo() -> npt.NDArray[np.uint8]:
    """Return an example photo, uint8 (224, 224, 3)."""
    return squash(load_rgb(PHOTO), 224)


def batch(size: int) -> Tensor:
    """Return `size` slightly different normalised images (size, 3, 224, 224).

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
