"""ImageNet weights, partial BN and inputs of video networks."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from ml.errors import MlError
from ml.networks.network import NetworkSpec, build_network
from ml.networks.video.inputs import flip_flow, flip_frames, middle_fields, normalise_flow, prepare
from ml.networks.video.weights import cross_modality, put_imagenet
from tests.support import networks as nets
from tests.support import video_networks as videos

pytestmark = pytest.mark.xdist_group("video networks")  # they share what is built


def imagenet(seed: int = 3) -> dict[str, Tensor]:
    """Random weights with torchvision's names."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        network = build_network(NetworkSpec(backbone=nets.NARROW))
        return {k: v.clone() for k, v in network.state_dict().items()}


@pytest.mark.parametrize("length", [5, 10])
def test_equal_flow_channels_give_what_grey_gives_in_rgb(length: int) -> None:
    """2L equal channels give what the RGB stem gives for a grey picture."""
    network, state = videos.build("two_stream", "cbam", flow_length=length), imagenet()
    put_imagenet(network, state)
    x = torch.randn(2, 1, 32, 32)
    flow = network.flow.features[0][0](x.expand(-1, 2 * length, -1, -1))
    grey = network.rgb.features[0][0](x.expand(-1, 3, -1, -1))
    torch.testing.assert_close(flow, grey, atol=1e-6, rtol=1e-5)


def test_both_trunks_get_the_imagenet_weights() -> None:
    network, state = videos.build("two_stream"), imagenet()
    put_imagenet(network, state)
    for stream in (network.rgb, network.flow):
        for name, value in stream.features.state_dict().items():
            if name != "0.0.weight":
                assert torch.equal(value, state[f"features.{name}"]), name
    assert torch.equal(network.rgb.features[0][0].weight, state["features.0.0.weight"])


def test_cross_modality_is_the_mean_repeated() -> None:
    stem = np.random.default_rng(0).normal(size=(4, 3, 3, 3))
    found = cross_modality(torch.from_numpy(stem), 20).numpy()
    expected = np.repeat(stem.mean(1, keepdims=True), 20, 1) * 3 / 20
    np.testing.assert_allclose(found, expected)


def test_an_architecture_without_mobilenet_is_rejected() -> None:
    with pytest.raises(MlError, match="mvit does not contain MobileNetV2"):
        put_imagenet(videos.lively("mvit"), imagenet())


def norms(network: nn.Module) -> list[nn.BatchNorm2d]:
    return [m for m in network.modules() if isinstance(m, nn.BatchNorm2d)]


def test_partial_bn_trains_the_first_norm_only() -> None:
    network = videos.build("two_stream", "cbam")
    network.freeze_norms("flow")
    network.train()
    trunk = norms(network.flow.features)
    before = [n.running_mean.clone() for n in trunk]
    network(videos.batch(network)).logits.sum().backward()
    moved = [not torch.equal(n.running_mean, b) for n, b in zip(trunk, before, strict=True)]
    assert moved == [True] + [False] * (len(trunk) - 1)
    learning = [n.weight.grad is not None for n in trunk]
    assert learning == moved
    assert all(n.training for n in norms(network.flow.mechanism))  # they start from nothing
    assert all(n.training for n in norms(network.rgb))


def test_partial_bn_can_be_undone_and_leaves_other_freezing_alone() -> None:
    network = videos.build("two_stream")
    network.flow.features[3].requires_grad_(False)
    wanted = [p.requires_grad for p in network.parameters()]
    network.train()
    assert [p.requires_grad for p in network.parameters()] == wanted
    network.freeze_norms("rgb", "flow")
    assert sum(n.training for n in norms(network)) == 2
    network.freeze_norms()
    assert all(n.training for n in norms(network))
    network.eval()
    assert not any(m.training for m in network.modules())


def test_flow_is_centred_and_keeps_its_order() -> None:
    flow = torch.full((1, 2, 2, 4, 4), 128, dtype=torch.uint8)
    assert not normalise_flow(flow).any()
    flow[0, 1, 0] = 255  # the second field's x
    found = normalise_flow(flow)
    assert found.shape == (1, 4, 4, 4)
    assert found.amax((2, 3))[0].tolist() == pytest.approx([0, 0, 127 / 255 / 0.226, 0], rel=1e-5)


def test_mirroring_negates_horizontal_flow() -> None:
    clip = videos.sampled()
    flow = torch.from_numpy(clip.flow)
    mirrored = flip_flow(flow)
    assert mirrored.dtype == torch.uint8
    found, given = (normalise_flow(f) for f in (mirrored, flow))
    torch.testing.assert_close(found[:, 0::2], -given[:, 0::2].flip(-1))
    torch.testing.assert_close(found[:, 1::2], given[:, 1::2].flip(-1))
    assert torch.equal(flip_flow(mirrored), flow)
    assert flip_flow(torch.zeros(1, 2, 1, 1, dtype=torch.uint8))[0, 0, 0, 0] == 255
    frames = torch.from_numpy(clip.rgb).movedim(-1, -3)
    assert torch.equal(flip_frames(frames)[..., 0], frames[..., -1])


def test_middle_fields_are_those_around_the_frame() -> None:
    fields = np.arange(10, dtype=np.uint8).reshape(1, 10, 1, 1, 1)
    assert middle_fields(fields, 4).ravel().tolist() == [3, 4, 5, 6]
    assert middle_fields(fields, 5).ravel().tolist() == [2, 3, 4, 5, 6]


def test_a_batch_has_only_what_the_network_reads() -> None:
    clip = videos.sampled(4)
    two, frames, whole = (
        prepare(videos.lively(name), [clip]) for name in ("two_stream", "frame_average", "r3d_18")
    )
    assert (two.rgb.shape, two.flow.shape) == ((1, 4, 3, 64, 64), (1, 4, 20, 64, 64))
    assert two.frames is None
    assert frames.flow.numel() == 0
    assert whole.rgb.numel() == 0
    assert whole.frames.shape == (1, 4, 4, 3, 64, 64)  # 16 frames of 4 segments
    mean, std = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
    expected = (clip.rgb / 255 - mean) / std
    np.testing.assert_allclose(two.rgb[0].permute(0, 2, 3, 1), expected, atol=1e-5)
    first = (clip.frames[:, 1] / 255 - mean) / std
    np.testing.assert_allclose(whole.frames[0, :, 0].permute(0, 2, 3, 1), first, atol=1e-5)
