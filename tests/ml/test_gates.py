"""Attention gates against Schlemper et al. 2019 and Oktay et al. 2018, in NumPy."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from ml.networks.attention.gating import Gate, normalise
from ml.networks.types import STAGES
from tests.support import networks as nets
from tests.support.equations import Array, array, bilinear, conv1x1, linear, sigmoid, softmax_space

CLOSE = {"atol": 1e-5, "rtol": 1e-5}
NORMALISATIONS = ["sigmoid", "softmax", "mean", "mean_flow"]


def scores_of(gate: Gate, x: Array, gating: Array) -> Array:
    """q = psi(ReLU(theta(x) + up(phi(g)))): (B, h, w)."""
    up = bilinear(conv1x1(gating, gate.phi), *x.shape[2:])
    return conv1x1(np.maximum(conv1x1(x, gate.theta) + up, 0), gate.psi)[:, 0]


def normalised(c: Array, how: str) -> Array:
    if how == "sigmoid":
        return sigmoid(c)
    if how == "softmax":
        return softmax_space(c)
    low = c.min((1, 2), keepdims=True) if how == "mean_flow" else 0
    return (c - low) / (c - low).sum((1, 2), keepdims=True)


def gate_all(mechanism: object, how: str, grid: bool) -> tuple[object, dict, list[Array]]:
    """What the mechanism returns, the masks by the papers, and the pooled gated features."""
    taps, head = nets.features()
    found = mechanism.classify(taps, head)
    gating = array(head) if grid else array(head).mean((2, 3), keepdims=True)
    local = {s: array(t) for s, t in taps.items()}
    masks = {s: normalised(scores_of(mechanism.gates[s], local[s], gating), how) for s in STAGES}
    pool = np.mean if how == "sigmoid" else np.sum  # an open gate has no budget: mean, not sum
    return found, masks, [pool(masks[s][:, None] * local[s], (2, 3)) for s in STAGES]


@pytest.mark.parametrize("how", NORMALISATIONS)
@pytest.mark.parametrize("mechanism", ["gated", "gated-grid"])
def test_the_gate(mechanism: str, how: str) -> None:
    network = nets.build(mechanism, normalisation=how, aggregation="concat")
    if how == "mean":  # scores around 0 would be divided by nearly nothing
        for gate in network.mechanism.gates.values():
            gate.psi.bias.data.fill_(5)
    found, masks, pooled = gate_all(network.mechanism, how, grid=mechanism == "gated-grid")
    for stage in STAGES:
        np.testing.assert_allclose(array(found.masks[stage])[:, 0], masks[stage], **CLOSE)
    logits = linear(np.concatenate(pooled, 1), network.mechanism.joint)
    np.testing.assert_allclose(array(found.logits), logits, **CLOSE)


@pytest.mark.parametrize("aggregation", ["mean", "deep_sup", "ft"])
@pytest.mark.parametrize("mechanism", ["gated", "gated-grid"])
def test_the_aggregation(mechanism: str, aggregation: str) -> None:
    part = nets.lively(mechanism, normalisation="softmax", aggregation=aggregation).mechanism
    found, _, pooled = gate_all(part, "softmax", grid=mechanism == "gated-grid")
    votes = [linear(p, part.votes[s]) for s, p in zip(STAGES, pooled, strict=True)]
    expected = {
        "mean": lambda: np.mean(votes, 0),
        "ft": lambda: linear(np.concatenate(votes, 1), part.joint),
        "deep_sup": lambda: linear(np.concatenate(pooled, 1), part.joint),
    }[aggregation]()
    np.testing.assert_allclose(array(found.logits), expected, **CLOSE)
    extra = zip(found.auxiliary, votes, strict=True) if aggregation == "deep_sup" else []
    for (weight, logits), vote in extra:
        assert weight == 0.1
        np.testing.assert_allclose(array(logits), vote, **CLOSE)
    assert len(found.auxiliary) == (3 if aggregation == "deep_sup" else 0)


def test_a_mean_of_probabilities_trains_each_vote() -> None:
    """The authors' `mean`: each stage's classifier has a loss of its own, their mean has none."""
    part = nets.lively("gated", aggregation="mean_probabilities").mechanism
    found, _, pooled = gate_all(part, "mean_flow", grid=False)
    votes = [linear(p, part.votes[s]) for s, p in zip(STAGES, pooled, strict=True)]
    shares = [np.exp(v) / np.exp(v).sum(1, keepdims=True) for v in votes]
    np.testing.assert_allclose(np.exp(array(found.logits)), np.mean(shares, 0), **CLOSE)
    assert found.loss_weight == 0
    for (weight, logits), vote in zip(found.auxiliary, votes, strict=True):
        assert weight == 1
        np.testing.assert_allclose(array(logits), vote, **CLOSE)


@pytest.mark.parametrize("aggregation", ["concat", "deep_sup", "mean_probabilities"])
def test_the_ungated_last_layer_joins_if_asked(aggregation: str) -> None:
    """As in the authors' networks; the classifier can then answer past every mask."""
    chosen = {"aggregation": aggregation, "ungated_last": True}
    part = nets.lively("gated", **chosen).mechanism
    found, _, pooled = gate_all(part, "mean_flow", grid=False)
    head = nets.features()[1]
    vectors = [*pooled, array(head).mean((2, 3))]
    if aggregation != "mean_probabilities":
        expected = linear(np.concatenate(vectors, 1), part.joint)
        np.testing.assert_allclose(array(found.logits), expected, **CLOSE)
    if aggregation != "concat":
        votes = [linear(v, part.votes[s]) for s, v in zip([*STAGES, "last"], vectors, strict=True)]
        for (_, vote), expected in zip(found.auxiliary, votes, strict=True):
            np.testing.assert_allclose(array(vote), expected, **CLOSE)
    assert set(found.masks) == set(STAGES)


@pytest.mark.parametrize("how", ["softmax", "mean", "mean_flow"])
@pytest.mark.parametrize("offset", [-3.0, 0.0, 40.0])
def test_normalised_masks_sum_to_one(how: str, offset: float) -> None:
    scores = torch.randn(5, 1, 7, 9) + offset
    torch.testing.assert_close(
        normalise(scores, how).sum((1, 2, 3)), torch.ones(5), atol=1e-4, rtol=0
    )


@pytest.mark.parametrize("how", ["softmax", "mean", "mean_flow"])
def test_constant_scores_give_an_even_mask(how: str) -> None:
    for level in (0.0, 2.0):
        mask = normalise(torch.full((2, 1, 4, 4), level), how)
        torch.testing.assert_close(mask, torch.full_like(mask, 1 / 16))


def test_a_sigmoid_gate_starts_open() -> None:
    gate = Gate(32, 1280, "sigmoid")
    assert gate.psi.bias.item() == 3
    assert gate.theta.bias is None
    assert gate.phi.bias is None
    mask = gate(torch.zeros(1, 32, 4, 4), torch.zeros(1, 1280, 1, 1))
    torch.testing.assert_close(mask, torch.full_like(mask, 1 / (1 + np.exp(-3))))
    wild = normalise(100 * torch.randn(2, 1, 8, 8), "sigmoid")
    assert wild.min() >= 0
    assert wild.max() <= 1


def test_only_the_grid_gate_depends_on_positions() -> None:
    """Moving the late features about changes the grid gate's mask, never the pooled gate's."""
    taps, head = nets.features()
    moved = head.roll(1, dims=3)
    for name, changes in (("gated", False), ("gated-grid", True)):
        mechanism = nets.lively(name).mechanism
        a, b = (mechanism.classify(taps, h).masks["early"] for h in (head, moved))
        assert (a - b).abs().max().item() > 1e-5 if changes else torch.allclose(a, b, atol=1e-6)
