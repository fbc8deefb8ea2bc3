"""Networks and inputs for tests: a narrow MobileNetV2 with random weights and fitting norms."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import fields, replace
from functools import lru_cache
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torchvision.models import mobilenet_v2

from ml.networks.attention.base import MECHANISMS, Parameters
from ml.networks.backbones.base import BACKBONES
from ml.networks.network import Network, NetworkSpec, build_network
from ml.networks.types import STAGES, About, Stage

NARROW = "mobilenet_v2_narrow"
WIDTHS: dict[Stage, int] = {"early": 8, "medium": 24, "late": 80}
GRIDS: dict[Stage, int] = {"early": 12, "medium": 6, "late": 3}  # of a 96 px image


FULL = BACKBONES["mobilenet_v2"]
# MobileNetV2 at a quarter of its width, except for the last block.
SMALL = replace(
    FULL,
    name=NARROW,
    build=lambda: mobilenet_v2(weights=None, width_mult=0.25).features,
    channels=WIDTHS,
)
BACKBONES.register(NARROW)(SMALL)


@contextmanager
def narrowed() -> Iterator[None]:
    """Make this process build the narrow network in place of MobileNetV2."""
    items = BACKBONES._items
    items["mobilenet_v2"] = replace(SMALL, name="mobilenet_v2")
    try:
        yield
    finally:
        items["mobilenet_v2"] = FULL


def names() -> list[str]:
    return list(MECHANISMS)


def choices(kind: type[Parameters]) -> list[dict[str, Any]]:
    """Every combination of the first two parameters that have choices, and every other choice."""
    axes: dict[str, tuple[Any, ...]] = {
        f.name: f.metadata.get("choices", (True, False))
        for f in fields(kind)
        if "choices" in f.metadata or isinstance(f.default, bool)
    }
    first = list(axes)[:2]
    product = itertools.product(*(axes[name] for name in first))
    combined = [dict(zip(first, values, strict=True)) for values in product]
    default = kind()
    others = [n for n in axes if n not in first]
    return combined + [{n: v} for n in others for v in axes[n] if v != getattr(default, n)]


def variants() -> Iterator[tuple[str, dict[str, Any]]]:
    """Every registered mechanism with every choice of its parameters."""
    for name, entry in MECHANISMS.items():
        for chosen in choices(entry.parameters):
            yield name, chosen


def subsets() -> list[tuple[Stage, ...]]:
    return [s for count in (1, 2, 3) for s in itertools.combinations(STAGES, count)]


def pictures(count: int, size: int = 96, seed: int = 0) -> Tensor:
    """Smooth random images of about unit variance, (count, 3, size, size)."""
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.randn((count, 3, 6, 6), generator=generator)
    fine = torch.randn((count, 3, size, size), generator=generator)
    return 2 * F.interpolate(coarse, size=(size, size), mode="bicubic") + 0.3 * fine


def enliven(module: nn.Module) -> None:
    """Give norms and zero-initialised convolutions random weights, so that no part is idle."""
    for part in module.modules():
        if isinstance(part, nn.BatchNorm2d):
            nn.init.uniform_(part.weight, 0.5, 1.5)
            nn.init.normal_(part.bias, std=0.2)
        elif isinstance(part, nn.Conv2d) and not part.weight.any():
            nn.init.normal_(part.weight, std=0.1)


def calibrate(network: nn.Module, batch: Callable[[], Any]) -> None:
    """Set the norms' running statistics to those of a batch; leave the network in eval mode."""
    norms = [m for m in network.modules() if isinstance(m, _BatchNorm)]
    for norm in norms:
        norm.momentum = 1.0
    if norms:
        with torch.no_grad():
            network.train()(batch())
    for norm in norms:
        norm.momentum = 0.1
    network.eval()


def build(mechanism: str, stages: tuple[Stage, ...] = STAGES, **parameters: Any) -> Network:
    """A new network in eval mode, for tests that change it."""
    with torch.random.fork_rng():
        torch.manual_seed(1 + names().index(mechanism))
        network = build_network(NetworkSpec(mechanism, parameters, stages, backbone=NARROW))
        enliven(network)
        calibrate(network, lambda: pictures(8, seed=99))
        return network


@lru_cache(maxsize=32)
def lively(mechanism: str, **parameters: Any) -> Network:
    """A shared network, which tests must leave unchanged."""
    return build(mechanism, **parameters)


def loss_of(output: Any, labels: Tensor) -> Tensor:
    """The training loss of a network's or video network's output, deep supervision included."""
    auxiliary = [weight * F.cross_entropy(z, labels) for weight, z in output.auxiliary]
    own = getattr(output, "loss_weight", 1.0)
    return own * F.cross_entropy(output.logits, labels) + sum(auxiliary)


def check_about(about: About) -> None:
    """A registered item has a title, an equation, three sentences and a paper."""
    assert about.title
    assert about.equation
    assert about.summary.count(".") >= 3
    assert about.paper is not None
    assert about.paper.url.startswith("https://")


def features(seed: int = 3, batch: int = 2) -> tuple[dict[Stage, Tensor], Tensor]:
    """Random features of the three stages and the last block, for a 96 px image."""
    generator = torch.Generator().manual_seed(seed)
    taps = {
        s: torch.randn((batch, WIDTHS[s], GRIDS[s], GRIDS[s]), generator=generator) for s in STAGES
    }
    return taps, torch.randn((batch, 1280, 3, 3), generator=generator).relu()


def name_of(network: Network) -> str:
    """The mechanism of a shared network."""
    return next(name for name in names() if lively(name) is network)
