"""CBAM against Woo et al. 2018, equations 1 to 3, in NumPy."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from ml.networks.network import NetworkSpec, build_network
from ml.networks.types import STAGES
from tests.support import networks as nets
from tests.support.equations import array, batchnorm, conv_same, linear, sigmoid

CLOSE = {"atol": 1e-5, "rtol": 1e-5}


@pytest.mark.parametrize("stage", STAGES)
def test_the_equations(stage: str) -> None:
    """Channel first, then spatial on what the channels left; one MLP for mean and maximum."""
    mechanism = nets.lively("cbam").mechanism
    block = mechanism.blocks[stage]
    features = nets.features()[0][stage]
    refined, mask = mechanism.refine(stage, features)
    x = array(features)
    hidden, out = (m for m in block.modules() if isinstance(m, torch.nn.Linear))

    def mlp(v: np.ndarray) -> np.ndarray:
        return linear(np.maximum(linear(v, hidden), 0), out)

    channel = sigmoid(mlp(x.mean((2, 3))) + mlp(x.max((2, 3))))
    x = x * channel[:, :, None, None]
    described = np.stack([x.max(1), x.mean(1)], 1)
    spatial = sigmoid(batchnorm(conv_same(described, array(block.conv.weight)), block.norm))
    assert block.conv.weight.shape == (1, 2, 7, 7)
    assert mask.shape == (2, 1, *features.shape[2:])
    np.testing.assert_allclose(array(mask), spatial, **CLOSE)
    np.testing.assert_allclose(array(refined), x * spatial, **CLOSE)


@pytest.mark.parametrize(("stage", "units"), [("early", 8), ("medium", 8), ("late", 20)])
def test_hidden_units_have_a_floor(stage: str, units: int) -> None:
    """32 // 16 and 96 // 16 would leave two and six."""
    mechanism = build_network(NetworkSpec("cbam")).mechanism
    width = mechanism.slots.channels[stage]
    hidden, out = (m for m in mechanism.blocks[stage].modules() if isinstance(m, torch.nn.Linear))
    assert (hidden.in_features, hidden.out_features) == (width, units)
    assert (out.in_features, out.out_features) == (units, width)


def test_an_untrained_spatial_mask_is_one_half_everywhere() -> None:
    network = build_network(NetworkSpec("cbam", backbone=nets.NARROW))
    for training in (True, False):
        masks = network.train(training)(nets.pictures(2)).masks
        assert all(torch.equal(m, torch.full_like(m, 0.5)) for m in masks.values())


def test_masks_are_between_zero_and_one() -> None:
    masks = nets.lively("cbam")(10 * nets.pictures(2)).masks
    for mask in masks.values():
        assert mask.min() >= 0
        assert mask.max() <= 1
        assert mask.std() > 1e-4


def test_the_activation_start_follows_strong_activations() -> None:
    network = build_network(NetworkSpec("cbam", {"spatial_start": "activation"}))
    x = torch.randn(2, 32, 28, 28)
    x[:, :, 4:12, 16:24] += 3
    mask = network.train().mechanism.refine("early", x)[1][:, 0]
    inside, outside = mask[:, 6:10, 18:22], mask[:, 16:, :12]
    assert inside.min() > outside.max() + 0.1
