"""Grad-CAM and its family: values worked out by hand, and an identity that needs no reference."""

from __future__ import annotations

import copy
import itertools
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from ml import catalogue
from ml.explain.maps import explain_images
from ml.explain.methods import METHODS, names
from ml.explain.prepare import for_inference
from ml.explain.taps import tapped
from ml.networks.network import Network, NetworkSpec, build_network
from ml.networks.types import STAGES
from ml.networks.weights import load_imagenet, put_into
from tests.support import networks as nets

BY_HAND = [
    ("gradcam", "conv", [[11.25, 13.5], [20.25, 22.5]]),
    ("gradcam", "relu", [[0, 4], [28, 32.5]]),
    ("hirescam", "relu", [[0, 4], [25, 25]]),
    ("xgradcam", "relu", [[0, 4], [25, 25]]),
    ("layercam", "relu", [[0, 4], [31, 40]]),
    ("gradcampp", "relu", [[0, 0.20779], [1.87126, 2.73010]]),
]


class ByHand(nn.Module):
    """Small enough to work out on paper; its one logit is 54."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, 2, 3)
        self.relu = nn.ReLU()
        self.linear = nn.Linear(8, 1, bias=False)
        with torch.no_grad():
            self.conv.weight.fill_(1)
            self.conv.bias.copy_(torch.tensor([-50.0, -75.0]))
            self.linear.weight.copy_(torch.tensor([[1.0, 1, 1, 1, 1, -1, -1, -1]]))

    def forward(self, x: Tensor) -> Tensor:
        return self.linear(self.relu(self.conv(x)).flatten(1))


Values = dict[str, tuple[Tensor, Tensor]]


def by_hand() -> tuple[Tensor, Values]:
    model = ByHand()
    with tapped({"conv": model.conv, "relu": model.relu}) as taps:
        logits = model(torch.arange(16.0).reshape(1, 1, 4, 4))
    return logits, with_gradients(taps, logits.sum())


def with_gradients(taps: dict[str, Tensor], score: Tensor) -> Values:
    """Activations and gradients of every tap."""
    gradients = torch.autograd.grad(score, list(taps.values()))
    return {name: (tap.detach(), g) for (name, tap), g in zip(taps.items(), gradients, strict=True)}


@pytest.mark.parametrize(("method", "layer", "expected"), BY_HAND)
def test_a_map_worked_out_by_hand(method: str, layer: str, expected: list[list[float]]) -> None:
    logits, values = by_hand()
    assert logits.item() == 54
    found = METHODS[method].function(*values[layer])
    assert found.shape == (1, 2, 2)
    np.testing.assert_allclose(found[0].numpy(), expected, atol=2e-5)


def test_hirescam_adds_up_to_the_logit() -> None:
    logits, values = by_hand()
    assert METHODS["hirescam"].function(*values["relu"]).sum() == logits.sum() == 54


def test_every_method_has_a_value_by_hand() -> None:
    assert {method for method, _, _ in BY_HAND} == set(names("gradients"))


def test_evidence_against_a_class_stays_negative() -> None:
    a = torch.tensor([[[[1.0, 2.0], [3.0, 4.0]]]])
    g = torch.full_like(a, -0.5)
    np.testing.assert_allclose(METHODS["gradcam"].function(a, g)[0], [[-0.5, -1], [-1.5, -2]])
    np.testing.assert_allclose(METHODS["hirescam"].function(a, g)[0], [[-0.5, -1], [-1.5, -2]])


@pytest.mark.parametrize("method", names("gradients"))
def test_a_channel_that_is_zero_or_sums_to_zero_gives_no_nan(method: str) -> None:
    a = torch.zeros(1, 3, 2, 2)
    a[0, 1] = torch.tensor([[1.0, -1.0], [2.0, -2.0]])
    g = torch.randn(1, 3, 2, 2)
    assert METHODS[method].function(a, g).isfinite().all()
    assert METHODS[method].function(a, torch.zeros_like(g)).isfinite().all()


@pytest.mark.parametrize("method", names("gradients"))
def test_an_image_of_a_batch_knows_nothing_of_the_others(method: str) -> None:
    a, g = torch.rand(4, 5, 6, 7), torch.randn(4, 5, 6, 7)
    together = METHODS[method].function(a, g)
    alone = [METHODS[method].function(a[i : i + 1], g[i : i + 1])[0] for i in range(4)]
    torch.testing.assert_close(together, torch.stack(alone))


@pytest.mark.parametrize("mechanism", ["plain", "gated-grid"])
def test_what_changes_no_answer_changes_no_map(mechanism: str) -> None:
    """Folded norms, company in a batch and a logit of 0.1 % more: at most 2 % of a map's range."""
    network, images = nets.lively(mechanism), nets.pictures(4, seed=20)
    methods = names("gradients")
    expected = explain_images(network, images[:1], [3], methods).maps
    louder = copy.deepcopy(network)
    with torch.no_grad():
        for layer in louder.mechanism.modules():
            if isinstance(layer, nn.Linear):
                layer.weight.mul_(1.001)
    folded = explain_images(for_inference(network), images[:1], [3], methods).maps
    company = explain_images(network, images, [3] * 4, methods).maps
    scaled = explain_images(louder, images[:1], [3], methods).maps
    for method, stage in itertools.product(methods, STAGES):
        own = expected[method][stage][0]
        for other in (folded, company, scaled):
            moved = (other[method][stage][0] - own).abs().max() / (own.max() - own.min())
            assert moved < 0.02, (method, stage, moved)


def test_signed_activations_leave_gradcampp_steady() -> None:
    """The paper's denominator, 2 + sum(A) g, is 0 here, and huge or negative right beside."""
    a = torch.tensor([[[[2.0, -4.0], [1.0, 0.0]], [[0.0, 1.0], [2.0, 0.0]]]])
    g = torch.full_like(a, 2.0)
    function = METHODS["gradcampp"].function
    assert (2 + a[0, 0].sum() * 2) == 0
    found = function(a, g)
    np.testing.assert_allclose(found[0], 4 * 2 / 8 * a[0].sum(0), rtol=1e-6)
    torch.testing.assert_close(function(a, 1.001 * g), found, atol=1e-3, rtol=1e-3)


def assert_late_map_is_the_logit(network: Network, images: Tensor, classes: list[int]) -> None:
    """GAP and one linear layer: three methods agree, and the map gives the logit back."""
    bias = network.mechanism.classifier[1].bias.detach()
    for target in classes:
        result = explain_images(
            network, images, [target] * len(images), ("gradcam", "hirescam", "xgradcam")
        )
        grad, hires, xgrad = (result.maps[m]["late"] for m in ("gradcam", "hirescam", "xgradcam"))
        scale = grad.abs().max().item()
        torch.testing.assert_close(hires, grad, atol=1e-5 * scale, rtol=0)
        torch.testing.assert_close(xgrad, grad, atol=1e-4 * scale, rtol=0)
        positions = grad.shape[1] * grad.shape[2]
        logit = result.logits.detach()[:, target]
        back = grad.mean((1, 2)) * positions + bias[target]
        torch.testing.assert_close(back, logit, atol=1e-4, rtol=1e-4)


def test_late_gradcam_of_the_plain_network_gives_the_logit_back() -> None:
    for size in (96, 161):
        assert_late_map_is_the_logit(nets.lively("plain"), nets.pictures(2, size), [0, 7])


def test_the_same_with_imagenet_weights(data_dir: Path) -> None:
    network = build_network(NetworkSpec(num_classes=1000))
    put_into(network, load_imagenet([data_dir / "weights"]).state, head=True)
    assert_late_map_is_the_logit(network.eval(), nets.pictures(2, 160), [0, 497, 999])


def test_the_same_with_the_shipped_plain_model() -> None:
    entry = catalogue.find("plain", catalogue.entries([]))
    assert_late_map_is_the_logit(catalogue.build(entry), nets.pictures(2, 160), list(range(10)))


@pytest.mark.parametrize("mechanism", nets.names())
def test_gradients_of_every_stage_are_right(mechanism: str) -> None:
    """By finite differences in float64: pushing a tap a little moves the logit as `g` says."""
    network = nets.build(mechanism).double()
    images = nets.pictures(2).double()
    with tapped(dict(network.taps.items())) as taps:
        logits = network(images).logits
    pairs = with_gradients(taps, logits[0, 3] + logits[1, 5])
    for stage, (values, gradient) in pairs.items():
        direction = torch.randn_like(values)
        ends = []
        for step in (1e-8, -1e-8):
            shift = step * direction
            push = network.taps[stage].register_forward_hook(lambda _m, _i, out, d=shift: out + d)
            with torch.no_grad():
                logits = network(images).logits
            push.remove()
            ends.append((logits[0, 3] + logits[1, 5]).item())
        slope = (ends[0] - ends[1]) / 2e-8
        assert slope == pytest.approx((gradient * direction).sum().item(), rel=1e-4, abs=1e-6)
