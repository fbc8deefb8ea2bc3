"""Masks that are replaced act as what replaced them, and nothing is left behind."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from ml.errors import MlError
from ml.explain.interventions import another, blob, edited_masks, even
from ml.networks.types import Stage
from tests.support import networks as nets
from tests.support import video_networks as videos

MASKED = [name for name in nets.names() if name != "plain"]


def shares(side: int = 9) -> Tensor:
    """Masks (3, 2, side, side) that each sum to 1."""
    scores = 1.5 * torch.randn((3, 2, side * side), generator=torch.Generator().manual_seed(4))
    return scores.softmax(2).view(3, 2, side, side)


@pytest.mark.parametrize("edit", [even, blob, another])
def test_a_share_still_sums_to_one(edit: object) -> None:
    for side in (1, 2, 7, 28):
        edited = edit(shares(side))
        assert edited.shape == (3, 2, side, side)
        assert edited.min() >= 0
        torch.testing.assert_close(edited.sum((2, 3)), torch.ones(3, 2))


def test_an_even_mask_is_its_mean() -> None:
    mask = shares() + torch.arange(2.0).view(1, 2, 1, 1)
    flat = even(mask)
    assert torch.equal(flat[..., 0, 0], flat[..., 5, 3])
    torch.testing.assert_close(flat.mean((2, 3)), mask.mean((2, 3)))


@pytest.mark.parametrize("kind", ["shares", "gates", "signed"])
def test_a_blob_has_the_masks_mean_and_deviation(kind: str) -> None:
    masks = shares()
    mask = {"shares": masks, "gates": (40 * masks).sigmoid(), "signed": 9 * masks - 0.5}[kind]
    centred = blob(mask)
    for statistic in (torch.mean, torch.std, torch.amin):
        torch.testing.assert_close(
            statistic(centred, dim=(2, 3)), statistic(mask, dim=(2, 3)), rtol=0.02, atol=0.02
        )
    assert (centred.flatten(2).argmax(2) == 40).all()
    torch.testing.assert_close(centred, centred.flip(2, 3))
    torch.testing.assert_close(blob(even(mask)), even(mask))


def test_anothers_mask_is_the_neighbours() -> None:
    mask = shares()
    assert torch.equal(another(mask)[1:], mask[:-1])
    with pytest.raises(MlError, match="two"):
        another(mask[:1])


@pytest.mark.parametrize("mechanism", MASKED)
def test_an_edit_acts_on_every_mask_and_is_undone(mechanism: str) -> None:
    network, images = nets.lively(mechanism), nets.pictures(3)
    stages: list[Stage] = []

    def flattened(stage: Stage, mask: Tensor) -> Tensor:
        stages.append(stage)
        return even(mask)

    own = network(images)
    with edited_masks(network, flattened):
        edited = network(images)
    assert stages == ["early", "medium", "late"]
    for stage, mask in edited.masks.items():
        torch.testing.assert_close(mask, even(mask))
        assert own.masks[stage].std() > 1e-5
    assert (edited.logits - own.logits).abs().max() > 1e-5
    with edited_masks(network, lambda _, mask: mask):
        assert torch.equal(network(images).logits, own.logits)
    with pytest.raises(RuntimeError), edited_masks(network, lambda _, mask: mask[:, :, :1, :2]):
        network(images)
    after = network(images)
    assert torch.equal(after.logits, own.logits)
    assert all(torch.equal(after.masks[s], mask) for s, mask in own.masks.items())


def test_every_stream_of_a_video_network_is_edited() -> None:
    network = videos.lively("two_stream", "l2pa")
    clips = videos.batch(network)
    own = network(clips)
    with edited_masks(network, lambda _, mask: even(mask)):
        edited = network(clips)
    for stream in ("rgb", "flow"):
        masks = edited.streams[stream].masks.values()
        assert all((mask.amax((3, 4)) == mask.amin((3, 4))).all() for mask in masks)
        assert not torch.equal(edited.streams[stream].scores, own.streams[stream].scores)
