"""Every registered video architecture, with every mechanism that fits it."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from ml.errors import MlError
from ml.networks.attention.base import MECHANISMS
from ml.networks.network import Network
from ml.networks.types import STAGES
from ml.networks.video.base import VIDEO_MODELS, VideoSpec, build_video
from ml.networks.video.consensus import CONSENSUS, AttentionConsensus, AttentionConsensusParameters
from ml.networks.video.fusion import FUSIONS
from ml.networks.video.types import ClipAttended, StreamOutput
from tests.support import networks as nets
from tests.support import video_networks as videos

pytestmark = pytest.mark.xdist_group("video networks")  # they share cached networks


@pytest.mark.parametrize(("architecture", "mechanism"), videos.PAIRS)
def test_every_network_classifies_and_can_be_trained(architecture: str, mechanism: str) -> None:
    network = videos.build(architecture, mechanism)
    batch = videos.batch(network, size=videos.side_of(network))
    output: ClipAttended = network.train()(batch)
    assert output.logits.shape == (2, 3)
    assert set(output.streams) == set(VIDEO_MODELS[architecture].streams) == set(network.streams)
    for stream in output.streams.values():
        steps = stream.logits.shape[1]
        assert stream.logits.shape == (2, steps, 3)
        assert network.whole_clip or steps == 3
        torch.testing.assert_close(stream.consensus.sum(1), torch.ones(2))
        assert set(stream.masks) == (set() if mechanism == "plain" else set(STAGES))
        assert all(m.shape[:2] == (2, 3) for m in stream.masks.values())
    assert all(z.shape == (2, 3) for _, z in output.auxiliary)
    nets.loss_of(output, torch.arange(2)).backward()
    for name, parameter in network.named_parameters():
        if mechanism == "l2pa" and "features.18." in name:
            continue  # only the global vector is from there, which pc's softmax cancels
        assert parameter.grad is not None, name
        assert parameter.grad.isfinite().all(), name


@pytest.mark.parametrize("segments", [1, 2, 5])
@pytest.mark.parametrize("architecture", list(VIDEO_MODELS))
def test_any_number_of_segments(architecture: str, segments: int) -> None:
    network = videos.lively(architecture)
    with torch.no_grad():
        output = network(videos.batch(network, 1, segments, videos.side_of(network)))
    assert output.logits.shape == (1, 3)
    assert output.logits.isfinite().all()


@pytest.mark.parametrize("size", [112, 75])
@pytest.mark.parametrize("architecture", ["mvit", "r3d_18"])
def test_any_size(architecture: str, size: int) -> None:
    """Also sizes that no stride divides: a transformer's positions are interpolated."""
    network = videos.lively(architecture)
    resize = torch.nn.functional.interpolate
    with torch.no_grad():
        batch = videos.batch(network, 1, 2)
        frames = resize(batch.frames.flatten(0, 2), size=(size, size)).unflatten(0, (1, 2, -1))
        output = network(type(batch)(batch.rgb, batch.flow, frames))
    assert output.logits.isfinite().all()


@pytest.mark.parametrize("length", [5, 10])
def test_the_flow_stem_has_two_channels_per_field(length: int) -> None:
    network = videos.build("two_stream", flow_length=length)
    stem = network.flow.features[0][0]
    assert stem.weight.shape == (8, 2 * length, 3, 3)
    assert network.rgb.features[0][0].weight.shape == (8, 3, 3, 3)
    batch = videos.batch(network)
    assert batch.flow.shape == (2, 3, 2 * length, 64, 64)
    assert network(batch).logits.isfinite().all()


@pytest.mark.parametrize("stages", [("early",), ("medium", "late")])
def test_streams_may_have_different_mechanisms_at_any_stages(stages: tuple[str, ...]) -> None:
    network = videos.build("two_stream", "cbam", stages=stages, flow_mechanism="l2pa")
    output = network(videos.batch(network, 1))
    assert all(set(stream.masks) == set(stages) for stream in output.streams.values())
    assert type(network.rgb.mechanism) is not type(network.flow.mechanism)
    flow = output.streams["flow"].masks[stages[0]]
    torch.testing.assert_close(flow.sum((2, 3, 4)), torch.ones(1, 3))


def test_streams_may_have_fewer_classes_than_the_model() -> None:
    """Two appearances by three motions are six classes; each stream has its own."""
    index = {"rgb": (0, 0, 0, 1, 1, 1), "flow": (0, 1, 2, 0, 1, 2)}
    network = videos.build("two_stream", "gated", classes=6, class_index=index)
    assert isinstance(network.rgb, Network)
    batch = videos.batch(network)
    output = network(batch)
    own = network.rgb(batch.rgb.flatten(0, 1)).logits.view(2, 3, 2)
    assert torch.equal(output.streams["rgb"].logits[..., :3], own[..., :1].expand(-1, -1, 3))
    flow = output.streams["flow"].logits
    assert torch.equal(flow[..., :3], flow[..., 3:])
    expected = (own.mean(1)[:, [0, 0, 0, 1, 1, 1]] + 1.5 * flow.mean(1)) / 2.5
    torch.testing.assert_close(output.logits, expected)
    assert {z.shape for _, z in output.auxiliary} == {(2, 6)}


@pytest.mark.parametrize("fusion", list(FUSIONS))
def test_fusion_follows_the_equations(fusion: str) -> None:
    network = videos.build("two_stream", fusion=fusion, weights=(2.0, 1.0))
    output = network(videos.batch(network))
    z = {s: o.logits.mean(1).detach() for s, o in output.streams.items()}
    fused = output.logits.detach()
    if fusion == "softmax":
        expected = (2 * z["rgb"].softmax(1) + z["flow"].softmax(1)) / 3
        torch.testing.assert_close(fused.softmax(1), expected)
    else:  # the learnt layer starts as the weighted mean
        torch.testing.assert_close(fused, (2 * z["rgb"] + z["flow"]) / 3)
    own = [z for weight, z in output.auxiliary if weight == 1.0]
    torch.testing.assert_close(own[0], z["rgb"])
    torch.testing.assert_close(own[1], z["flow"])


def test_attention_over_time_starts_as_the_mean_and_learns() -> None:
    features = torch.randn(2, 5, 12)
    for score in ("linear", "tanh"):
        module = AttentionConsensus(12, AttentionConsensusParameters(score=score, hidden=4))
        torch.testing.assert_close(module(features), torch.full((2, 5), 0.2))
        (module(features) * torch.eye(5)[:2]).sum().backward()
        assert module.score.weight.grad.any()
        nn.init.normal_(module.score.weight)
        weights = module(features)
        torch.testing.assert_close(weights.sum(1), torch.ones(2))
        order = torch.tensor([3, 1, 4, 0, 2])
        torch.testing.assert_close(module(features[:, order]), weights[:, order])


def test_a_streams_scores_are_the_weighted_sum() -> None:
    logits, weights = torch.randn(2, 3, 4), torch.rand(2, 3)
    expected = torch.einsum("bt,btc->bc", weights, logits)
    torch.testing.assert_close(StreamOutput(logits, weights, {}).scores, expected)


def test_the_order_of_frames_matters_only_to_recurrent_networks() -> None:
    for name in ("frame_average", "cnn_lstm"):
        network = videos.lively(name)
        batch = videos.batch(network)
        backwards = type(batch)(batch.rgb.flip(1), batch.flow, None)
        same = torch.allclose(network(batch).logits, network(backwards).logits, atol=1e-6)
        assert same == (name == "frame_average")


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ({"architecture": "i3d"}, ["i3d", "two_stream", "mvit"]),
        ({"mechanism": "magic"}, ["magic", "cbam"]),
        ({"architecture": "r3d_18", "mechanism": "cbam"}, ["r3d_18", "cbam", "plain"]),
        ({"architecture": "cnn_lstm", "mechanism": "l2pa"}, ["l2pa", "residual"]),
        ({"fusion": "vote"}, ["vote", "logits", "learnt"]),
        ({"consensus": "max"}, ["max", "attention", "mean"]),
        ({"weights": (0.0, 0.0)}, ["weights"]),
        ({"weights": (-1.0, 2.0)}, ["weights"]),
        ({"flow_length": 0}, ["flow_length", "32"]),
        ({"class_index": {"rgb": (0,)}}, ["class_index", "rgb", "2"]),
        ({"consensus": "attention", "consensus_parameters": {"score": "x"}}, ["score", "tanh"]),
    ],
)
def test_an_invalid_spec_is_rejected_with_a_sentence(
    spec: dict[str, object], words: list[str]
) -> None:
    with pytest.raises(MlError) as error:
        build_video(VideoSpec(**spec))
    assert all(word in error.value.detail for word in words), error.value.detail
    assert error.value.detail.endswith(".")


def test_every_architecture_and_consensus_is_described() -> None:
    for consensus in dict(CONSENSUS.items()).values():
        nets.check_about(consensus.about)
    for entry in dict(VIDEO_MODELS.items()).values():
        nets.check_about(entry.about)
        assert [s.stage for s in entry.stages] == list(STAGES)
        assert set(entry.mechanisms) <= set(MECHANISMS)
