"""Learn to Pay Attention against Jetley et al. 2018, sections 3.1 and 3.2, in NumPy."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from ml.networks.types import STAGES
from tests.support import networks as nets
from tests.support.equations import Array, array, batchnorm, linear, softmax_space

CLOSE = {"atol": 1e-5, "rtol": 1e-5}


def masks_of(network: object, kind: str, taps: dict[str, Array], g: Array) -> dict[str, Array]:
    """a^s = softmax over positions of <u, l_i + g> (pc) or <l_i, g> (dp)."""
    masks = {}
    for stage, local in taps.items():
        part = network.mechanism.compatibility[stage]
        if kind == "pc":  # with any W: the softmax cancels what it adds
            w = np.random.default_rng(0).normal(size=(g.shape[1], local.shape[1])) / 40
            fitted = g @ w
            c = np.einsum("c,bchw->bhw", array(part.u), local + fitted[:, :, None, None])
        else:
            c = np.einsum("bchw,bc->bhw", local, linear(g, part.project))
        masks[stage] = softmax_space(c)
    return masks


@pytest.mark.parametrize(
    ("aggregation", "head"), [("concat", "linear"), ("concat", "authors"), ("indep", "authors")]
)
@pytest.mark.parametrize("compatibility", ["pc", "dp"])
def test_the_equations(compatibility: str, aggregation: str, head: str) -> None:
    chosen = {"compatibility": compatibility, "aggregation": aggregation, "head": head}
    network = nets.lively("l2pa", **chosen)
    taps, last = nets.features()
    found = network.mechanism.classify(taps, last)
    local = {s: array(t) for s, t in taps.items()}
    masks = masks_of(network, compatibility, local, array(last).mean((2, 3)))
    attended = [np.einsum("bhw,bchw->bc", masks[s], local[s]) for s in STAGES]
    if head == "authors":
        norms = [network.mechanism.prepare[s][0] for s in STAGES]
        pairs = zip(attended, norms, strict=True)
        attended = [np.maximum(batchnorm(a, norm), 0) for a, norm in pairs]
    heads = network.mechanism.heads
    if aggregation == "concat":
        logits = linear(np.concatenate(attended, 1), heads[0])
    else:
        logits = np.mean([linear(a, h) for a, h in zip(attended, heads, strict=True)], 0)
    for stage in STAGES:
        np.testing.assert_allclose(array(found.masks[stage])[:, 0], masks[stage], **CLOSE)
        np.testing.assert_allclose(array(found.masks[stage]).sum((1, 2, 3)), 1, atol=1e-5)
    np.testing.assert_allclose(array(found.logits), logits, **CLOSE)


@pytest.mark.parametrize("compatibility", ["pc", "dp"])
def test_the_classifier_never_sees_the_global_feature(compatibility: str) -> None:
    """Where all positions are alike, every mask gives the same sum: g can then change nothing."""
    network = nets.lively("l2pa", compatibility=compatibility)
    taps, head = nets.features()
    alike = {s: t.mean((2, 3), keepdim=True).expand_as(t).contiguous() for s, t in taps.items()}
    first = network.mechanism.classify(alike, head).logits
    second = network.mechanism.classify(alike, 5 * head.flip(0) + 1).logits
    torch.testing.assert_close(first, second, atol=1e-5, rtol=0)
    varied = network.mechanism.classify(taps, head).logits
    changed = network.mechanism.classify(taps, 5 * head.flip(0) + 1).logits
    if compatibility == "dp":
        assert (varied - changed).abs().max() > 1e-3
    else:  # <u, l_i + g> = <u, l_i> + <u, g>, and a softmax drops what all positions share
        torch.testing.assert_close(varied, changed, atol=1e-5, rtol=0)


def test_sharper_scores_give_a_higher_peak() -> None:
    """A mask is a share of 1, not rescaled picture by picture: sharper scores, higher peak."""
    network = nets.lively("l2pa", compatibility="dp")
    taps, head = nets.features()
    calm = network.mechanism.classify(taps, 0.01 * head).masks["late"]
    sharp = network.mechanism.classify(taps, head).masks["late"]
    assert (sharp.amax((1, 2, 3)) > 1.5 * calm.amax((1, 2, 3))).all()
    torch.testing.assert_close(calm, torch.full_like(calm, 1 / 9), atol=0.02, rtol=0)


def test_an_earlier_files_idle_projection_is_dropped_and_nothing_else() -> None:
    """With pc, masks and logits are what they are with the projection (`test_the_equations`)."""
    network = nets.build("l2pa", head="linear")
    own = network.state_dict()
    assert not any("project" in name for name in own)
    projections = {
        f"mechanism.compatibility.{s}.project.weight": torch.randn(nets.WIDTHS[s], 1280)
        for s in STAGES
    }
    before = network(nets.pictures(2))
    network.load_state_dict({**own, **projections})
    after = network(nets.pictures(2))
    assert torch.equal(after.logits, before.logits)
    assert all(torch.equal(after.masks[s], before.masks[s]) for s in STAGES)
    for other in ("mechanism.compatibility.early.project.bias", "mechanism.project.weight"):
        with pytest.raises(RuntimeError, match="Unexpected"):
            network.load_state_dict({**own, other: torch.zeros(1)})
    product = nets.build("l2pa", compatibility="dp", head="linear")
    with pytest.raises(RuntimeError, match=r"Missing.*project"):
        product.load_state_dict(own)


def test_the_authors_dropout_is_one_half() -> None:
    prepare = nets.build("l2pa").mechanism.prepare
    assert {part[-1].p for part in prepare.values()} == {0.5}
