"""Every registered mechanism, with every parameter, subset of stages and size."""

from __future__ import annotations

from dataclasses import asdict
from math import ceil

import pytest
import torch
from torch import nn

from ml.errors import MlError
from ml.explain.maps import explain_images
from ml.explain.methods import METHODS, names
from ml.networks.attention.base import MECHANISMS, has_masks
from ml.networks.backbones.base import BACKBONES, Backbone
from ml.networks.network import Network, NetworkSpec, build_network
from ml.networks.registry import Registry
from ml.networks.types import STAGES
from tests.support import networks as nets

VARIANTS = [pytest.param(n, p, id="-".join([n, *map(str, p.values())])) for n, p in nets.variants()]
STRIDES = {"early": 8, "medium": 16, "late": 32}
ONE_CHANNEL = {"l2pa", "gated", "gated-grid", "cbam"}


def small_trunk() -> nn.Sequential:
    """Four convolutions with MobileNetV2's strides, so that hundreds of networks are cheap."""

    def block(into: int, out: int, stride: int) -> nn.Module:
        conv = nn.Conv2d(into, out, 3, stride=stride, padding=1)
        return nn.Sequential(conv, nn.BatchNorm2d(out), nn.Tanh())

    first = nn.Sequential(nn.AvgPool2d(4, 4, ceil_mode=True), block(3, 8, 2))
    return nn.Sequential(first, block(8, 12, 2), block(12, 16, 2), block(16, 24, 1))


SMALL = Backbone(
    name="small",
    build=small_trunk,
    trunk={"early": 0, "medium": 1, "late": 2},
    channels={"early": 8, "medium": 12, "late": 16},
    strides={"early": 8, "medium": 16, "late": 32},
    late_head=3,
    head_channels=24,
)


@pytest.fixture
def backbone(monkeypatch: pytest.MonkeyPatch) -> str:
    """A small backbone; registering it is enough to use it."""
    assert "mobilenet_v2" in list(BACKBONES)
    monkeypatch.setitem(BACKBONES._items, "small", SMALL)
    return "small"


LABELS = torch.arange(4) % 3


def check_masks(network: Network, name: str, stages: tuple[str, ...], size: int) -> None:
    attended = network.eval()(nets.pictures(2, size))
    assert attended.logits.shape[0] == 2
    assert attended.logits.isfinite().all()
    bare = name == "plain" or not has_masks(name, asdict(network.mechanism.parameters_used))
    assert set(attended.masks) == (set() if bare else set(stages))
    for stage, mask in attended.masks.items():
        side = ceil(size / STRIDES[stage])
        channels = 1 if name in ONE_CHANNEL else network.mechanism.slots.channels[stage]
        assert mask.shape == (2, channels, side, side)
        assert mask.isfinite().all()


@pytest.mark.parametrize(("name", "parameters"), VARIANTS)
def test_every_variant_on_every_subset_of_stages(
    backbone: str, name: str, parameters: dict[str, str]
) -> None:
    """Every variant on all stages, and every mechanism's default on each subset of them."""
    usual = asdict(MECHANISMS[name].parameters()).items() >= parameters.items()
    for stages in nets.subsets() if usual else [STAGES]:
        spec = NetworkSpec(name, parameters, stages, num_classes=3, backbone=backbone)
        network = build_network(spec)
        check_masks(network, name, stages, 96)
        nets.loss_of(network.train()(nets.pictures(4)), LABELS).backward()
        for key, parameter in network.named_parameters():
            if parameter.grad is None:  # `pc` does not read the blocks after its last stage
                assert name == "l2pa", key
                assert int(key.split(".")[1]) > SMALL.trunk[stages[-1]], key
            else:
                assert parameter.grad.isfinite().all(), key


@pytest.mark.parametrize(("name", "parameters"), VARIANTS)
def test_every_weight_gets_a_gradient(backbone: str, name: str, parameters: dict[str, str]) -> None:
    """Within a few steps every weight has a gradient, except those that the equations cancel."""
    network = build_network(NetworkSpec(name, parameters, num_classes=3, backbone=backbone))
    parts = dict(network.mechanism.named_parameters())
    still = set(parts)
    optimiser = torch.optim.SGD(network.parameters(), lr=0.05)
    for step in range(3):
        optimiser.zero_grad()
        nets.loss_of(network.train()(nets.pictures(4, seed=step)), LABELS).backward()
        norm = nn.utils.clip_grad_norm_(network.parameters(), 5.0)
        assert norm < 1e5
        still -= {k for k, p in parts.items() if p.grad.any()}
        optimiser.step()
    cancelled = {k for k in parts if k.endswith("psi.bias")}  # a shift that softmax drops
    cancelled |= {k for k in parts if ".mask." in k and k.endswith("body.8.bias")}  # before norms
    if parameters.get("activation") == "spatial":
        cancelled |= {k for k in parts if k.endswith("last.5.bias")}  # it centres each channel
    assert still <= cancelled


@pytest.mark.parametrize("size", [96, 161, 224, 320, 512])
@pytest.mark.parametrize("name", nets.names())
def test_mobilenet_accepts_any_size(name: str, size: int) -> None:
    with torch.no_grad():
        check_masks(nets.lively(name), name, STAGES, size)


@pytest.mark.parametrize("stages", nets.subsets(), ids="-".join)
def test_stages_without_a_module_are_the_plain_trunk(stages: tuple[str, ...]) -> None:
    """CBAM on a subset changes nothing before its first module."""
    network = nets.build("cbam", stages)
    image = nets.pictures(1)
    first = network._after
    seen = image
    with torch.no_grad():
        for index, block in enumerate(network.features):
            seen = block(seen)
            if first.get(index) == stages[0]:
                break
        refined = network.mechanism.refine(stages[0], seen)[1]
        torch.testing.assert_close(network(image).masks[stages[0]], refined)
    assert set(explain_images(network, image).maps["attention"]) == {*stages, "combined"}
    assert set(explain_images(network, image).maps["gradcam"]) == {*STAGES, "combined"}


def test_the_backbone_is_torchvisions() -> None:
    from torchvision.models import mobilenet_v2

    network, theirs = build_network(NetworkSpec(num_classes=1000)).eval(), mobilenet_v2().eval()
    theirs.features.load_state_dict(network.features.state_dict())
    theirs.classifier.load_state_dict(network.mechanism.classifier.state_dict())
    assert sum(p.numel() for p in network.parameters()) == 3_504_872
    images = nets.pictures(2)
    torch.testing.assert_close(network(images).logits, theirs(images))


def test_the_order_of_stages_does_not_matter() -> None:
    given = build_network(NetworkSpec("gated", stages=("late", "early")))
    usual = build_network(NetworkSpec("gated", stages=("early", "late")))
    assert list(given.state_dict()) == list(usual.state_dict())


def test_every_method_is_described() -> None:
    for name, method in METHODS.items():
        assert method.title, name
        assert method.description.endswith("."), name
        assert method.source.startswith("https://") or method.applies_to in ("masks", "channels")
        assert (method.function is not None) == (method.applies_to == "gradients"), name
    assert names("gradients", "masks")[:2] == ["attention", "gradcam"]
    assert names("gradients", "rollout")[:2] == ["gradcam", "rollout"]


@pytest.mark.parametrize("registry", [MECHANISMS, BACKBONES, METHODS])
def test_a_duplicate_name_is_an_error(registry: Registry[object]) -> None:
    name = next(iter(registry))
    with pytest.raises(ValueError, match=name):
        registry.register(name)(object())


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        (NetworkSpec("no-such"), ["no-such", "cbam", "plain"]),
        (NetworkSpec(backbone="resnet"), ["resnet", "mobilenet_v2"]),
        (NetworkSpec("gated", {"normalisation": "relu"}), ["relu", "softmax", "mean_flow"]),
        (NetworkSpec("gated", {"heads": 3}), ["heads", "normalisation"]),
        (NetworkSpec("cbam", stages=("early", "middle")), ["middle", "medium"]),
        (NetworkSpec("cbam", stages=("early", "early")), ["early", "once"]),
        (NetworkSpec("cbam", stages=()), ["early", "medium", "late"]),
    ],
    ids=lambda value: None if isinstance(value, NetworkSpec) else value[0],
)
def test_an_invalid_spec_is_rejected_with_a_sentence(spec: NetworkSpec, words: list[str]) -> None:
    with pytest.raises(MlError) as error:
        build_network(spec)
    assert all(word in error.value.detail for word in words)
    assert error.value.detail.endswith(".")


def test_every_mechanism_is_described() -> None:
    rows = [MECHANISMS[name].default_row for name in MECHANISMS]
    assert [len({row[i] for row in rows}) for i in (0, 1)] == [len(rows)] * 2
    for name in MECHANISMS:
        nets.check_about(MECHANISMS[name].about)
        assert (MECHANISMS[name].about.mask_range == "none") == (name == "plain")
