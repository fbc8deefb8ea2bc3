"""Attention rollout: by hand, with pooled keys and queries, and on the network's attention."""

from __future__ import annotations

import copy
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from ml.networks.video.rollout import Layer, Softmaxes, rollout
from tests.support import video_networks as videos

pytestmark = pytest.mark.xdist_group("video networks")  # they share what is built


def attention(rows: list[list[float]]) -> Tensor:
    return torch.tensor([rows], dtype=torch.float64)


def test_two_layers_by_hand() -> None:
    """One class token and two patches: the product of (A + I) / 2, its first row."""
    first = attention([[0.2, 0.5, 0.3], [0.1, 0.8, 0.1], [0.0, 0.0, 1.0]])
    second = attention([[0.0, 1.0, 0.0], [0.5, 0.25, 0.25], [0.2, 0.2, 0.6]])
    grid = (1, 1, 2)
    layers = [Layer(a, grid, grid, grid) for a in (first, second)]
    eye = torch.eye(3, dtype=torch.float64)
    expected = ((second[0] + eye) / 2 @ (first[0] + eye) / 2)[0, 1:]
    torch.testing.assert_close(rollout(layers)[0, 0, 0], expected)
    # the class token's row of the second is (1/2, 1/2, 0): half of rows 0 and 1 of the first
    torch.testing.assert_close(
        expected, torch.tensor([0.5 * 0.25 + 0.5 * 0.9, 0.5 * 0.15 + 0.5 * 0.05]).double()
    )


def test_attention_to_a_pooled_key_is_spread_over_its_cell() -> None:
    """Four patches in a row, two keys of two: 0.4 on the second key is 0.2 on each of its two."""
    a = attention([[0.5, 0.1, 0.4]] + [[1.0, 0.0, 0.0]] * 4)
    found = rollout([Layer(a, (1, 1, 4), (1, 1, 4), (1, 1, 2))])[0, 0, 0]
    torch.testing.assert_close(found, torch.tensor([0.025, 0.025, 0.1, 0.1]).double())


def test_a_pooled_query_is_spread_over_its_cell() -> None:
    """The second layer sees two tokens; each was two of the first layer's four."""
    first = attention([[1.0, 0, 0, 0, 0]] + [[1.0, 0, 0, 0, 0]] * 2)
    second = attention([[0.0, 1.0, 0.0]] + [[0.0, 0.0, 1.0]] * 2)
    layers = [
        Layer(first, (1, 2, 2), (1, 1, 2), (1, 2, 2)),
        Layer(second, (1, 1, 2), (1, 1, 2), (1, 1, 2)),
    ]
    # class token: half itself, half the left token; of that, half came from its column of two
    expected = torch.tensor([[[0.125, 0.0], [0.125, 0.0]]]).double()
    torch.testing.assert_close(rollout(layers)[0], expected)


@pytest.mark.parametrize("size", [(64, 64), (64, 112)])
def test_the_transformers_rollout_is_a_share_of_one(size: tuple[int, int]) -> None:
    height, width = size
    network = videos.lively("mvit")
    batch = videos.batch(network, 1, 2, max(size))
    batch = replace(batch, frames=batch.frames[..., :height, :width])
    with torch.no_grad(), network.rolling_out() as found:
        network(batch)
    frames = batch.frames.shape[1] * batch.frames.shape[2]
    for stage, maps in found.items():
        assert maps.shape == (1, frames // 2, height // 4, width // 4), stage
        assert maps.min() >= 0
        assert 0.2 < maps.sum() < 1
    assert not torch.equal(found["early"], found["late"])


def test_the_recorded_attention_is_that_of_the_network() -> None:
    """With equal queries and keys in all heads, the recorded mean is that of every head.

    Applied to the block's values, it must then give the output of torchvision's attention.
    """
    module = copy.deepcopy(videos.lively("mvit").trunk.blocks[3].attn)
    heads, width = module.num_heads, module.head_dim
    x, grid = torch.randn(1, 1 + 2 * 4 * 4, 192), (2, 4, 4)
    with torch.no_grad():
        for own in (module.qkv.weight, module.qkv.bias):
            parts = own.view(3, heads, width, -1)
            parts[:2] = 8 * parts[:2, :1]  # sharp, so that the weights matter
        with Softmaxes() as softmaxes:
            out, queries = module(x, grid)
        shape = (1, -1, 3, heads, width)
        q, _, v = module.qkv(x).reshape(shape).transpose(1, 3).unbind(2)
        v, q = module.pool_v(v, grid)[0], module.pool_q(q, grid)[0]
        mixed = softmaxes.outputs[0][:, None] @ v
        mixed[:, :, 1:] += q[:, :, 1:]  # what MViTv2 adds to the attention's output
        again = module.project(mixed.transpose(1, 2).reshape(1, 9, -1))
    assert queries == (2, 2, 2)
    assert len(softmaxes.outputs) == 1
    torch.testing.assert_close(softmaxes.outputs[0].sum(2), torch.ones(1, 9))
    torch.testing.assert_close(again, out, atol=1e-5, rtol=1e-4)
