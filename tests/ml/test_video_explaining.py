"""What was seen, when, and who decided: maps over time and shares that add up."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from ml.errors import MlError
from ml.explain.explain import explain, track_times
from ml.explain.maps import explain_clips, explain_images
from ml.explain.methods import names
from ml.explain.prepare import for_inference
from ml.explain.results import Explanation, LoadedModel
from ml.networks.types import STAGES
from ml.networks.video.base import VIDEO_MODELS, VideoNetwork
from tests.ml.test_explaining import Snapshot, mixed_flags
from tests.support import video_networks as videos

KINDS = [*dict.fromkeys(("two_stream-residual", "two_stream-gated", "cnn_lstm-cbam"))] + [
    f"{name}-plain" for name in VIDEO_MODELS
]

pytestmark = pytest.mark.xdist_group("video networks")  # they share what is built


def network_of(kind: str) -> VideoNetwork:
    return videos.lively(*kind.split("-"))


def loaded(network: VideoNetwork) -> LoadedModel:
    return LoadedModel("model", network, videos.CLASSES)


def awake(**spec: object) -> VideoNetwork:
    """Two streams with attention over time whose weights are not all alike."""
    network = videos.build("two_stream", "gated", consensus="attention", **spec)
    for consensus in network.consensus.values():
        nn.init.normal_(consensus.score.weight, std=0.5)
    return network


def total(result: Explanation) -> float:
    assert result.clip is not None
    shares = result.clip.shares.values()
    return sum(float(values.sum()) for values in shares) + result.clip.rest


@pytest.mark.parametrize("kind", KINDS)
def test_what_a_result_holds(kind: str) -> None:
    network, clip = network_of(kind), videos.sampled()
    before = Snapshot(network)
    result = explain(loaded(network), clip, target="Fight", methods=videos.EVERY_METHOD)
    before.check()
    entry = VIDEO_MODELS[kind.split("-")[0]]
    methods = set(names("gradients"))
    methods |= set() if kind.endswith("plain") else {"attention"}
    methods |= {"rollout"} if entry.rollout else set()
    found = {(t.stream, t.method, t.stage) for t in result.tracks}
    stages = {*STAGES, "combined"}
    assert found == {(s, m, stage) for s in entry.streams for m in methods for stage in stages}
    for track in result.tracks:
        assert track.values.dtype == np.float32
        assert track.values.ndim == 3
        assert track.times.shape == track.values.shape[:1]
        assert (np.diff(track.times) > 0).all()
        assert np.isfinite(track.values).all()
        assert (track.target is None) == (track.method in ("attention", "rollout"))
        if track.stage == "combined":
            assert track.values.shape[1:] == (56, 56)
            assert 0 <= track.values.min() <= track.values.max() <= 1
    assert result.target_index == 1
    times, bounds = result.clip.times, result.clip.bounds
    assert times.shape == bounds.shape[:1]
    assert ((bounds[:, 0] < times) & (times < bounds[:, 1])).all()
    assert total(result) == pytest.approx(float(result.logits[1]), abs=1e-5)
    np.testing.assert_allclose(result.probabilities.sum(), 1, rtol=1e-6)


@pytest.mark.parametrize(
    "kind", ["two_stream-gated", "cnn_lstm-cbam", "r3d_18-plain", "mvit-plain"]
)
def test_a_batch_gives_each_clip_what_it_gets_alone(kind: str) -> None:
    """In float64: in float32 a rounding error flips a ReLU here and there."""
    network = videos.precise(*kind.split("-"))
    both = videos.batch(network, 2, size=videos.side_of(network))
    methods = ("attention", "gradcam", "layercam", "rollout")
    together = explain_clips(network, both, [2, 0], methods)
    assert together.targets.tolist() == [2, 0]
    for i, target in enumerate((2, 0)):
        alone = explain_clips(network, videos.one_of(both, i), [target], methods)
        logits = [m.attended.logits.detach() for m in (together, alone)]
        torch.testing.assert_close(logits[0][i], logits[1][0], atol=1e-10, rtol=0)
        for stream, kinds in alone.maps.items():
            for method, stages in kinds.items():
                for stage, values in stages.items():
                    found, expected = together.maps[stream][method][stage][i], values[0]
                    scale = max(1e-6, expected.abs().max().item())
                    error = (found - expected).abs().max()
                    assert error <= 1e-6 * scale, (stream, method, stage)


def test_explaining_a_clip_gives_what_a_batch_of_one_gives() -> None:
    network = network_of("two_stream-gated")
    batch = explain_clips(network, videos.batch(network, 1), [2], ("attention", "gradcam"))
    result = explain(loaded(network), videos.sampled(), target=2)
    np.testing.assert_array_equal(result.logits, batch.attended.logits.detach()[0].numpy())
    assert result.tracks
    for track in result.tracks:
        values = batch.maps[track.stream][track.method][track.stage][0]
        np.testing.assert_array_equal(track.values, values.numpy())


@pytest.mark.parametrize("mechanism", ["plain", "residual"])
def test_each_stream_is_explained_as_its_snippets_would_be_alone(mechanism: str) -> None:
    """The network of a stream knows nothing of clips: the photo's explaining gives the same."""
    network = videos.precise("two_stream", mechanism)
    batch = videos.batch(network, 1)
    found = explain_clips(network, batch, [2], ("attention", *names("gradients")))
    for stream, inputs in (("rgb", batch.rgb), ("flow", batch.flow)):
        alone = explain_images(
            network.network(stream), inputs[0], [2, 2, 2], ("attention", *names("gradients"))
        )
        for method in ("gradcam", "hirescam", "layercam", "attention"):
            for stage in STAGES if method in alone.maps else ():
                expected = alone.maps[method][stage]
                values = found.maps[stream][method][stage][0]
                scale = expected.abs().max().item()
                assert (values - expected).abs().max() <= 1e-8 * scale, (stream, method, stage)


@pytest.mark.parametrize("fusion", ["logits", "learnt", "softmax"])
def test_shares_add_up_to_the_logit(fusion: str) -> None:
    """With attention over time; and by NumPy from the scores alone."""
    network = awake(fusion=fusion, weights=(1.0, 3.0))
    if fusion == "learnt":
        nn.init.normal_(network.fusion.bias)
        nn.init.normal_(network.fusion.mix["rgb"])
    result = explain(loaded(network), videos.sampled(4), target=2, methods=("attention",))
    assert total(result) == pytest.approx(float(result.logits[2]), abs=1e-5)
    assert (result.clip.rest == 0) == (fusion == "logits")
    for stream, scores in result.clip.streams.items():
        assert scores.consensus.std() > 1e-4
        if fusion != "learnt":
            share = scores.weight / 4 * scores.consensus * scores.logits[:, 2]
            np.testing.assert_allclose(result.clip.shares[stream], share, atol=1e-6)
    if fusion == "logits":
        z = {s: (v.consensus[:, None] * v.logits).sum(0) for s, v in result.clip.streams.items()}
        np.testing.assert_allclose(result.logits, (z["rgb"] + 3 * z["flow"]) / 4, atol=1e-5)


@pytest.mark.parametrize("fusion", ["logits", "learnt"])
def test_in_double_precision_they_add_up_to_the_last_digits(fusion: str) -> None:
    network = awake(fusion=fusion).double()
    batch = videos.batch(network, 2, 2)
    with torch.no_grad():
        output = network(type(batch)(batch.rgb.double(), batch.flow.double()))
        parts = [
            network.part(s, o.logits) * o.consensus[..., None] for s, o in output.streams.items()
        ]
    rest = torch.tensor([network.rest(c) for c in range(3)]).double()
    torch.testing.assert_close(
        sum(p.sum(1) for p in parts) + rest, output.logits, atol=1e-12, rtol=1e-12
    )


@pytest.mark.parametrize("architecture", VIDEO_MODELS)
def test_a_clip_keeps_its_shape(architecture: str) -> None:
    """Of 40 x 70 px: grids are rounded up, and no map is transposed."""
    square = videos.sampled(2, 72)
    clip = replace(square, frames=square.frames[:, :, :40, :70], flow=square.flow[..., :40, :70])
    found = explain(loaded(videos.lively(architecture)), clip, methods=("rollout", "gradcam"))
    strides = {s.stage: 224 // s.grid_224 for s in VIDEO_MODELS[architecture].stages}
    for track in found.tracks:
        stride = 4 if track.method == "rollout" else strides.get(track.stage)
        expected = (56, 56) if track.stage == "combined" else (-(-40 // stride), -(-70 // stride))
        assert track.values.shape[1:] == expected, (track.method, track.stage)
        assert np.isfinite(track.values).all()


def test_the_top_class_is_that_of_the_clip() -> None:
    network = videos.build("two_stream", weights=(0.0, 1.0))
    result = explain(loaded(network), videos.sampled())
    assert result.target_index == result.logits.argmax()
    same = explain(loaded(network), videos.sampled(), target=result.target_index)
    for a, b in zip(result.tracks, same.tracks, strict=True):
        assert np.array_equal(a.values, b.values)


@pytest.mark.parametrize("architecture", ["r3d_18", "frame_average"])
def test_late_maps_give_the_logit_back(architecture: str) -> None:
    """Where the head is a mean and a linear layer, Grad-CAM = HiResCAM, and sums to the logit."""
    network = videos.precise(architecture)
    found = explain_clips(
        network, videos.batch(network, 1), [0], ("gradcam", "hirescam", "xgradcam")
    )
    late = {method: stages["late"][0] for method, stages in found.maps["rgb"].items()}
    scale = late["gradcam"].abs().max().item()
    torch.testing.assert_close(late["hirescam"], late["gradcam"], atol=1e-8 * scale, rtol=0)
    torch.testing.assert_close(late["xgradcam"], late["gradcam"], atol=1e-5 * scale, rtol=0)
    head = network.classifier if architecture == "r3d_18" else network.rgb.mechanism.classifier
    steps = 1 if architecture == "r3d_18" else 3  # there each snippet has a logit of its own
    logit = late["gradcam"].sum() / steps + head[1].bias[0]
    torch.testing.assert_close(logit, found.attended.logits[0, 0], atol=1e-6, rtol=0)


def test_gradcam_over_space_and_time_by_hand() -> None:
    """One channel weight for all of space and time, unlike a snippet's."""
    network = videos.lively("r3d_18")
    batch = videos.batch(network, 1)
    seen: dict[str, torch.Tensor] = {}

    def keep(_module: nn.Module, _inputs: object, output: torch.Tensor) -> None:
        output.retain_grad()
        seen["a"] = output

    hook = network.taps["medium"].register_forward_hook(keep)
    for parameter in network.parameters():
        parameter.requires_grad_(True)
    network(batch).logits[0, 1].backward()
    hook.remove()
    network.zero_grad(set_to_none=True)
    a, g = seen["a"].detach()[0], seen["a"].grad[0]
    expected = torch.einsum("cthw,c->thw", a, g.mean((1, 2, 3)))
    found = explain_clips(network, batch, [1], ("gradcam",)).maps["rgb"]["gradcam"]["medium"][0]
    torch.testing.assert_close(found, expected, atol=1e-6, rtol=1e-3)


def test_a_3d_layers_steps_are_where_its_kernels_are_centred() -> None:
    network, clip = videos.lively("r3d_18"), videos.sampled(8)
    seen = clip.times[:, [2, 8]].ravel()
    for count in (16, 8, 4, 2):
        np.testing.assert_array_equal(track_times(network, clip, count), seen[:: 16 // count])
    delta = torch.zeros(1, 16, 1, 3, 64, 64)
    with torch.no_grad():
        batch = videos.batch(network, 1)
        still = explain_clips(network, type(batch)(batch.rgb, batch.flow, delta), [0], ("gradcam",))
        delta = delta.clone()
        delta[0, 12] = 3.0
        moved = explain_clips(network, type(batch)(batch.rgb, batch.flow, delta), [0], ("gradcam",))
    change = (moved.maps["rgb"]["gradcam"]["early"] - still.maps["rgb"]["gradcam"]["early"]).abs()
    assert change.mean((0, 2, 3)).argmax() == 6  # of 8 steps: that of frame 12


def test_the_whole_network_is_prepared_for_inference() -> None:
    network = videos.build("two_stream", "cbam")
    fast = for_inference(network)
    kept = sum(isinstance(m, nn.BatchNorm2d) for m in fast.modules())
    assert kept == 6  # CBAM's own, which follow no convolution in a sequence
    batch = videos.batch(network, 1)
    torch.testing.assert_close(fast(batch).logits, network(batch).logits, atol=1e-4, rtol=1e-3)


def test_it_repeats_itself_and_changes_nothing_in_the_midst_of_training() -> None:
    network = videos.build("two_stream", "residual")
    network.freeze_norms("flow")
    expected = explain(loaded(network), videos.sampled())
    mixed_flags(network)
    network(videos.batch(network)).logits.sum().backward()
    before = Snapshot(network)
    again = explain(loaded(network), videos.sampled(), methods=("attention", "gradcam"))
    before.check()
    assert all(np.isfinite(t.values).all() for t in again.tracks)
    quiet = videos.build("two_stream", "residual")
    twice = explain(loaded(quiet), videos.sampled())
    for a, b in zip(expected.tracks, twice.tracks, strict=True):
        assert np.array_equal(a.values, b.values), (a.stream, a.method, a.stage)


@pytest.mark.parametrize(("target", "methods", "word"), [
    ("storm", ("gradcam",), "storm"), (3, ("gradcam",), "3"), (0, ("saliency",), "saliency"),
])  # fmt: skip
def test_mistakes_get_a_sentence(target: int | str, methods: tuple[str, ...], word: str) -> None:
    network = videos.lively("two_stream")
    before = Snapshot(network)
    with pytest.raises(MlError, match=word):
        explain(loaded(network), videos.sampled(), target=target, methods=methods)
    before.check()


def test_too_few_flow_fields_get_a_sentence() -> None:
    with pytest.raises(MlError, match="wants 10 flow fields"):
        explain(loaded(videos.lively("two_stream")), videos.sampled(length=5))
