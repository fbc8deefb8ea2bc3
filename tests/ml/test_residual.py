"""Residual attention against Wang et al. 2017: H = (1 + M) T, and the three activations."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from ml.explain.maps import explain_images
from ml.networks.attention.residual import activate
from ml.networks.network import NetworkSpec, build_network
from ml.networks.types import STAGES
from tests.support import networks as nets
from tests.support.equations import array, sigmoid

CLOSE = {"atol": 1e-5, "rtol": 1e-5}


def by_the_paper(x: np.ndarray, kind: str) -> np.ndarray:
    """Equations 4 to 6: f1 mixed, f2 channel, f3 spatial."""
    if kind == "mixed":
        return sigmoid(x)
    if kind == "channel":
        return x / np.sqrt((x**2).sum(1, keepdims=True))
    return sigmoid((x - x.mean((2, 3), keepdims=True)) / x.std((2, 3), keepdims=True))


@pytest.mark.parametrize("kind", ["mixed", "channel", "spatial"])
def test_the_activation(kind: str) -> None:
    scores = 3 * torch.randn(2, 5, 6, 7) + 1
    expected = by_the_paper(array(scores), kind)
    np.testing.assert_allclose(array(activate(scores, kind)), expected, **CLOSE)


@pytest.mark.parametrize("kind", ["mixed", "channel", "spatial"])
@pytest.mark.parametrize("stage", STAGES)
def test_the_equation(stage: str, kind: str) -> None:
    mechanism = nets.build("residual", activation=kind).mechanism
    block = mechanism.blocks[stage]
    if kind == "spatial":  # a channel of hardly any deviation would show how it is kept from 0 / 0
        block.mask.last[-1].weight.data *= 100
    x = nets.features()[0][stage]
    refined, mask = mechanism.refine(stage, x)
    trunk, scores = array(block.trunk(block.before(x))), array(block.mask(block.before(x)))
    expected = by_the_paper(scores, kind)
    assert mask.shape == x.shape
    np.testing.assert_allclose(array(mask), expected, **CLOSE)
    expected = block.after((1 + mask) * torch.from_numpy(trunk).float())
    np.testing.assert_allclose(array(refined), array(expected), **CLOSE)


class Closed(nn.Module):
    """A mask branch whose scores make the activation exactly 0."""

    def __init__(self, score: float) -> None:
        super().__init__()
        self.score = score

    def forward(self, x: Tensor) -> Tensor:
        return torch.full_like(x, self.score)


@pytest.mark.parametrize(("kind", "score"), [("mixed", -torch.inf), ("channel", 0.0)])
@pytest.mark.parametrize("stage", STAGES)
def test_a_zero_mask_leaves_the_trunk_unchanged(stage: str, kind: str, score: float) -> None:
    block = nets.build("residual", activation=kind).mechanism.blocks[stage]
    block.mask = Closed(score)
    x = nets.features()[0][stage]
    refined, mask = block(x)
    assert not mask.any()
    assert torch.equal(refined, block.after(block.trunk(block.before(x))))


@pytest.mark.parametrize("biases", [True, False])
@pytest.mark.parametrize("stage", STAGES)
def test_an_untrained_module_only_scales_the_trunk(stage: str, biases: bool) -> None:
    """Its units start as doing nothing, so that ImageNet features survive its arrival."""
    spec = NetworkSpec("residual", {"biases": biases}, backbone=nets.NARROW)
    mechanism = build_network(spec).eval().mechanism
    x = nets.features()[0][stage]
    refined, mask = mechanism.refine(stage, x)
    assert torch.equal(refined, (1 + mask) * x)
    mechanism.blocks[stage].mask = Closed(-torch.inf)
    assert torch.equal(mechanism.refine(stage, x)[0], x)


def test_without_a_mask_the_units_alone_are_left() -> None:
    """A control for studies: M = 0, and nothing of the mask branch."""
    control, whole = nets.build("residual", mask="none"), nets.build("residual")
    assert not any(".mask." in name for name in control.state_dict())
    control.load_state_dict(
        {name: value for name, value in whole.state_dict().items() if ".mask." not in name}
    )
    for block in whole.mechanism.blocks.values():
        block.mask = Closed(-torch.inf)
    images = nets.pictures(2)
    assert torch.equal(control(images).logits, whole(images).logits)
    assert control(images).masks == {}
    maps = explain_images(control, images).maps
    assert set(maps) == {"gradcam"}


def test_the_authors_have_no_biases_and_a_unit_after() -> None:
    block = nets.lively("residual").mechanism.blocks["early"]
    convolutions = [m for m in block.modules() if isinstance(m, nn.Conv2d)]
    assert all(conv.bias is None for conv in convolutions)
    earlier = nets.build("residual", biases=True, unit_after=False).mechanism.blocks["early"]
    assert isinstance(earlier.after, nn.Identity)
    assert len(convolutions) - 3 == sum(isinstance(m, nn.Conv2d) for m in earlier.modules())


def test_the_authors_resampling_aligns_corners() -> None:
    """Caffe's pooling takes whole windows from the first cell; corners stay where they are."""
    ramp = torch.arange(28.0).view(1, 1, 1, 28).expand(1, nets.WIDTHS["early"], 28, 28)
    branch = nets.build("residual", mask_start="identity").mechanism.blocks["early"].mask
    pooled = branch._pooled(ramp)
    assert torch.equal(pooled[0, 0, 0], torch.tensor([*range(2, 27, 2), 27.0]))
    again = branch._resized(pooled, (28, 28))
    assert torch.equal(again[..., ::27, ::27], pooled[..., ::13, ::13])
    assert branch._pooled(pooled).shape[2:] == (7, 7)


@pytest.mark.parametrize(("stage", "side"), [("early", 28), ("medium", 14), ("late", 7)])
def test_every_mask_branch_reaches_a_seven_by_seven_grid(stage: str, side: int) -> None:
    block = nets.build("residual").mechanism.blocks[stage]
    seen: list[tuple[int, ...]] = []
    for module in block.mask.modules():
        module.register_forward_hook(lambda _m, _i, out: seen.append(tuple(out.shape[2:])))
    _, mask = block(torch.randn(1, nets.WIDTHS[stage], side, side))
    assert min(seen) == (7, 7)
    assert mask.shape == (1, nets.WIDTHS[stage], side, side)


def test_odd_sides() -> None:
    block = nets.lively("residual").mechanism.blocks["early"]
    for side in (13, 21, 27):
        shape = (1, nets.WIDTHS["early"], side, side + 2)
        refined, mask = block(torch.randn(shape))
        assert refined.shape == mask.shape == shape


@pytest.mark.parametrize(("kind", "level"), [("mixed", 0.5), ("spatial", 0.5), ("channel", 0.0)])
def test_a_flat_start_has_no_contrast(kind: str, level: float) -> None:
    parameters = {"activation": kind, "mask_start": "flat"}
    network = build_network(NetworkSpec("residual", parameters, backbone=nets.NARROW))
    for mask in network(nets.pictures(2)).masks.values():
        assert torch.equal(mask, torch.full_like(mask, level))


def test_an_identity_start_follows_each_channels_activation() -> None:
    network = build_network(NetworkSpec("residual", {"mask_start": "identity"})).train()
    x = torch.randn(2, 32, 28, 28)
    x[:, 5, 4:12, 16:24] += 4
    mask = network.mechanism.refine("early", x)[1]
    assert mask[:, 5, 6:10, 18:22].mean() > mask[:, 5, 16:, :12].mean() + 0.1
    others = mask[:, :5]
    assert abs(others[..., 6:10, 18:22].mean() - others[..., 16:, :12].mean()) < 0.05
