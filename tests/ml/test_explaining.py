"""Explaining leaves a network as it found it, and does its work in one pass each way."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from contextlib import ExitStack
from copy import deepcopy
from typing import Any, ClassVar

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from ml.errors import MlError
from ml.explain import methods
from ml.explain.explain import explain
from ml.explain.maps import explain_images
from ml.explain.prepare import for_inference
from ml.explain.results import LoadedModel, Track
from ml.explain.taps import tapped
from ml.networks.attention.base import MECHANISMS
from ml.networks.network import Network
from ml.networks.types import STAGES, Attended
from ml.networks.video.types import Sampled
from tests.support import networks as nets

CAMS = methods.names("gradients")
EVERYTHING = ("attention", *CAMS)
HOOKS = (
    *("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks"),
    *("_forward_hooks_with_kwargs", "_state_dict_hooks", "_forward_hooks_always_called"),
)


class Snapshot:
    """All of a network that explaining must not touch."""

    def __init__(self, network: nn.Module) -> None:
        self.network = network
        self.state = {k: v.clone() for k, v in network.state_dict().items()}
        self.flags = [m.training for m in network.modules()]
        self.wanted = [p.requires_grad for p in network.parameters()]
        self.gradients = [None if p.grad is None else p.grad.clone() for p in network.parameters()]
        self.enabled = torch.is_grad_enabled()

    def check(self) -> None:
        network = self.network
        for name, value in network.state_dict().items():
            assert torch.equal(value, self.state[name]), name
        assert [m.training for m in network.modules()] == self.flags
        assert [p.requires_grad for p in network.parameters()] == self.wanted
        assert sum(len(getattr(m, h)) for m in network.modules() for h in HOOKS) == 0
        for parameter, before in zip(network.parameters(), self.gradients, strict=True):
            assert (parameter.grad is None) == (before is None)
            assert before is None or torch.equal(parameter.grad, before)
        assert torch.is_grad_enabled() == self.enabled


def mixed_flags(network: nn.Module) -> None:
    for module, training in zip(network.modules(), itertools.cycle((True, False, False))):
        module.training = training


class Broken(nn.Module):
    """Raises in the middle of a forward pass."""

    def forward(self, x: Tensor) -> Tensor:
        raise ArithmeticError("in the middle")


def test_a_run_changes_nothing(network: Network) -> None:
    assert all(p.grad is None for p in network.parameters())
    before = Snapshot(network)
    explain_images(network, nets.pictures(2), [1, None], EVERYTHING)
    explain_images(network, nets.pictures(2), None, ("attention",))
    before.check()


@pytest.mark.parametrize("mechanism", ["plain", "cbam"])
def test_nothing_changes_in_the_midst_of_training(mechanism: str) -> None:
    """Mixed train and eval flags, gradients not yet used, BatchNorm statistics, no_grad."""
    network = nets.build(mechanism)
    mixed_flags(network)
    network(nets.pictures(2)).logits.sum().backward()
    network.features[0].requires_grad_(False)
    before = Snapshot(network)
    explain_images(network, nets.pictures(2), methods=EVERYTHING)
    before.check()
    with torch.no_grad():
        quiet = Snapshot(network)
        explain_images(network, nets.pictures(2), methods=EVERYTHING)
        quiet.check()


def test_training_mode_does_not_change_the_answer() -> None:
    network = nets.build("cbam")
    images = nets.pictures(2)
    expected = explain_images(network, images).maps["gradcam"]["early"]
    mixed_flags(network)
    assert torch.equal(explain_images(network, images).maps["gradcam"]["early"], expected)


@pytest.mark.parametrize("methods", [("attention",), ("gradcam",)])
@pytest.mark.parametrize("place", [3, 10, 16, 18])
def test_nothing_changes_when_the_forward_breaks(place: int, methods: tuple[str, ...]) -> None:
    network = nets.build("gated")
    mixed_flags(network)
    network.features[place] = Broken()
    before = Snapshot(network)
    with pytest.raises(ArithmeticError, match="in the middle"):
        explain_images(network, nets.pictures(2), methods=methods)
    before.check()


@pytest.mark.parametrize("methods", [("attention",), ("gradcam",), EVERYTHING])
@pytest.mark.parametrize(
    ("targets", "words"),
    [
        ([10], ["10", "0 to 9"]),
        ([-1], ["-1", "0 to 9"]),
        ([], ["1 image", "not 0"]),
        ([1, 2], ["1 image", "not 2"]),
    ],
)
def test_a_bad_target_gets_a_sentence(
    targets: list[int], words: list[str], methods: tuple[str, ...]
) -> None:
    network = nets.lively("l2pa")
    before = Snapshot(network)
    with pytest.raises(MlError) as error:
        explain_images(network, nets.pictures(1), targets, methods)
    assert all(word in error.value.detail for word in words), error.value.detail
    before.check()


@pytest.mark.parametrize("methods", [("attention",), ("gradcam",)])
def test_each_image_has_its_own_target(methods: tuple[str, ...]) -> None:
    network = nets.lively("gated")
    found = explain_images(network, nets.pictures(3), [4, None, 0], methods)
    top = found.logits.argmax(1)
    assert found.targets.tolist() == [4, int(top[1]), 0]


class Counted(torch.autograd.Function):
    """Passes its input on, and counts."""

    passes: ClassVar[list[int]] = [0, 0]

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        Counted.passes[0] += 1
        return x.view_as(x)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        Counted.passes[1] += 1
        return gradient


class Counter(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return Counted.apply(x)


@pytest.mark.parametrize("mechanism", nets.names())
def test_one_forward_and_one_backward_serve_all(mechanism: str) -> None:
    network = nets.build(mechanism)
    network.features[10] = nn.Sequential(
        network.features[10], Counter()
    )  # between two taps, so every map's gradient passes
    Counted.passes = [0, 0]
    found = explain_images(network, nets.pictures(2), methods=EVERYTHING)
    assert Counted.passes == [1, 1]
    assert all(set(found.maps[m]) == {*STAGES, "combined"} for m in CAMS)


def test_every_method_gives_finite_signed_maps(network: Network) -> None:
    size, sides = 161, {"early": 21, "medium": 11, "late": 6}
    found = explain_images(network, nets.pictures(2, size), methods=EVERYTHING)
    name = nets.name_of(network)
    masks = {"attention"} if name != "plain" else set()
    assert set(found.maps) - {"attention-channels"} == masks | set(CAMS)
    for method, stages in found.maps.items():
        for stage, values in stages.items():
            side = sides.get(stage, size)
            assert (len(values), *values.shape[-2:]) == (2, side, side), (method, stage)
            assert values.isfinite().all()
            assert values.dtype == torch.float32
            assert not values.requires_grad
    signed = [found.maps[m][s] for m in ("gradcam", "hirescam") for s in ("early", "medium")]
    assert all(m.min() < 0 < m.max() for m in signed)


def test_a_batch_gives_each_image_what_it_gets_alone(network: Network) -> None:
    # In float32 a value beside a ReLU's bend may fall on either side, by how a batch is computed.
    network, images = deepcopy(network).double(), nets.pictures(3).double()
    together = explain_images(network, images, [2, 9, 5])
    for i, target in enumerate((2, 9, 5)):
        alone = explain_images(network, images[i : i + 1], [target])
        logits = [m.logits.detach() for m in (together, alone)]
        torch.testing.assert_close(logits[0][i], logits[1][0], atol=1e-5, rtol=1e-5)
        for method, stages in together.maps.items():
            for stage in STAGES:
                found, single = stages[stage][i], alone.maps[method][stage][0]
                assert (found - single).abs().max() <= 1e-5, (method, stage)


@pytest.mark.parametrize("mechanism", nets.names())
def test_so_does_every_method(mechanism: str) -> None:
    """In float64: some divide by sums of signed values, which may be nearly nothing."""
    network, images = nets.build(mechanism).double(), nets.pictures(2).double()
    together = explain_images(network, images, [2, 9], EVERYTHING)
    for i, target in enumerate((2, 9)):
        alone = explain_images(network, images[i : i + 1], [target], EVERYTHING)
        for method, stages in together.maps.items():
            for stage, values in stages.items():
                single = alone.maps[method][stage][0]
                scale = max(1.0, single.abs().max().item())
                assert (values[i] - single).abs().max() <= 1e-6 * scale, (method, stage)


def test_masks_are_those_of_the_forward_pass(network: Network) -> None:
    images = nets.pictures(2)
    with torch.no_grad():
        attended: Attended = network(images)
    found = explain_images(network, images)
    logits = found.logits.detach()
    torch.testing.assert_close(logits, attended.logits, atol=1e-5, rtol=1e-5)
    for stage, mask in attended.masks.items():
        torch.testing.assert_close(found.maps["attention"][stage], mask.mean(1))
    wide = {s for s, m in attended.masks.items() if m.shape[1] > 1}
    expected = set(STAGES) if nets.name_of(network) == "residual" else set()
    assert set(found.maps.get("attention-channels", {})) == wide == expected


def test_a_prepared_network_gives_the_same(network: Network) -> None:
    """BatchNorm folded into the convolutions, channels last: logits and masks to 1e-4."""
    before = Snapshot(network)
    fast = for_inference(network)
    before.check()
    for each, count in ((network, 52), (fast, 0)):
        assert sum(isinstance(m, nn.BatchNorm2d) for m in each.features.modules()) == count
    images = nets.pictures(2, 160)
    slow, quick = (explain_images(n, images, methods=("attention",)) for n in (network, fast))
    torch.testing.assert_close(quick.logits, slow.logits, atol=1e-4, rtol=1e-4)
    for method, stages in slow.maps.items():
        for stage in STAGES:
            found, expected = quick.maps[method][stage], stages[stage]
            torch.testing.assert_close(found, expected, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("mechanism", nets.names())
def test_a_prepared_network_gives_the_same_gradients(mechanism: str) -> None:
    """In float64: in float32 a rounding error flips a ReLU6 here and there, folded or not."""
    network = nets.build(mechanism).double()
    images = nets.pictures(2).double()
    slow, quick = (
        explain_images(n, images, [1, 8], EVERYTHING) for n in (network, for_inference(network))
    )
    for method, stages in slow.maps.items():
        for stage, values in stages.items():
            scale = values.abs().max().item()
            assert (quick.maps[method][stage] - values).abs().max() <= 1e-6 * scale, (method, stage)


def test_a_model_without_masks_has_no_masks_to_show() -> None:
    assert explain_images(nets.lively("plain"), nets.pictures(1), methods=("attention",)).maps == {}


def test_an_unknown_method_gets_a_sentence() -> None:
    with pytest.raises(MlError, match=r"saliency.*gradcam"):
        explain_images(nets.lively("plain"), nets.pictures(1), methods=("saliency",))


def test_any_module_can_be_tapped() -> None:
    """Not only our own networks: logits may come as they are."""
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    with tapped({"conv": model[0]}) as taps:
        logits = model(nets.pictures(2))
    values = taps["conv"]
    [gradient] = torch.autograd.grad(logits[0, 0] + logits[1, 3], [values])
    expected = torch.zeros_like(gradient)
    for i, k in enumerate((0, 3)):
        expected[i, k] = (values[i, k] > 0) / values[i, k].numel()
    torch.testing.assert_close(gradient, expected)


def loaded(mechanism: str) -> LoadedModel:
    classes = tuple(f"Class {i}" for i in range(10))
    return LoadedModel(mechanism, for_inference(nets.lively(mechanism)), classes)


def photo(pixels: np.ndarray, side: int) -> Sampled:
    return Sampled.of_photo(pixels[:side, :side])


def maps_of(tracks: Sequence[Track]) -> dict[tuple[str, str], np.ndarray]:
    """The one moment's map of every stage and method."""
    return {(track.stage, track.method): track.values[0] for track in tracks}


def test_an_image_by_class_name_index_or_top(photo_array: np.ndarray) -> None:
    model, seen = loaded("residual"), photo(photo_array, 128)
    by_name, by_index = (explain(model, seen, target=t) for t in ("class 3", 3))
    assert by_name.target_index == by_index.target_index == 3
    top = explain(model, seen)
    assert top.target_index == top.logits.argmax()
    assert top.probabilities.sum() == pytest.approx(1, abs=1e-5)
    np.testing.assert_allclose(
        top.probabilities, np.exp(top.logits) / np.exp(top.logits).sum(), rtol=1e-4
    )
    for a, b in zip(by_name.tracks, by_index.tracks, strict=True):
        assert (a.stage, a.method, a.layer, a.target) == (b.stage, b.method, b.layer, b.target)
        assert np.array_equal(a.values, b.values)


def test_what_the_result_of_a_photo_holds(photo_array: np.ndarray) -> None:
    result = explain(loaded("residual"), photo(photo_array, 128), target=6)
    assert result.clip is None
    kinds = maps_of(result.tracks)
    stages = {*STAGES, "combined"}
    assert set(kinds) == {(s, m) for s in stages for m in ("attention", "gradcam")} | {
        (s, "attention-channels") for s in STAGES
    }
    for track in result.tracks:
        assert track.values.dtype == np.float32
        assert (track.stream, len(track.values), len(track.times)) == ("rgb", 1, 1)
        assert track.target == ("Class 6" if track.method == "gradcam" else None)
        if track.method == "attention-channels":
            mean = track.values[0].mean(0)
            np.testing.assert_allclose(mean, kinds[track.stage, "attention"], atol=1e-6)


@pytest.mark.parametrize(
    ("mechanism", "parameters"),
    [
        (name, choice)
        for name in nets.names()
        for choice in nets.choices(MECHANISMS[name].parameters)
    ],
)
def test_the_unit_of_a_mask_is_what_its_numbers_are(
    mechanism: str, parameters: dict[str, object], photo_array: np.ndarray
) -> None:
    """Whatever the parameters: shares sum to 1; gates do not, and are factors of at most 1."""
    network = nets.build(mechanism, **parameters)
    classes = tuple(f"Class {i}" for i in range(10))
    model = LoadedModel(mechanism, network, classes)
    for track in explain(model, photo(photo_array, 96)).tracks:
        values = track.values[0]
        if track.stage == "combined":
            assert track.unit == "combined"
        elif track.method == "gradcam":
            assert track.unit == "evidence"
        elif track.unit == "share":
            assert values.sum() == pytest.approx(1, abs=1e-3)
        else:
            assert track.unit == "gate"
            assert np.abs(values).max() <= 1
            assert abs(values.sum() - 1) > 0.01


@pytest.mark.parametrize("mechanism", nets.names())
def test_layers_are_named_where_their_maps_are_taken(mechanism: str) -> None:
    """Late Grad-CAM is at what the classifier reads: the last block, or the trunk's late stage."""
    network = nets.lively(mechanism)
    late = "features.17" if mechanism in ("l2pa", "gated", "gated-grid") else "features.18"
    assert network.layers == {"early": "features.6", "medium": "features.13", "late": late}
    assert network.mask_layers == {**network.layers, "late": "features.17"}
    outputs = {}
    images = nets.pictures(1)
    with ExitStack() as stack, torch.no_grad():
        for stage, name in network.layers.items():
            for key, module in ((name, network.get_submodule(name)), (stage, network.taps[stage])):
                hook = module.register_forward_hook(
                    lambda _m, _i, out, key=key: outputs.__setitem__(key, out)
                )
                stack.callback(hook.remove)
        network(images)
    for stage, name in network.layers.items():
        refined = mechanism in ("cbam", "residual") and name != "features.18"
        assert torch.equal(outputs[stage], outputs[name]) != refined


@pytest.mark.parametrize("target", [10, -1, "class 10", "", "TOP"])
def test_a_class_that_is_not_there_gets_a_sentence(
    target: int | str, photo_array: np.ndarray
) -> None:
    with pytest.raises(MlError, match=r"cbam has no class .* 10"):
        explain(loaded("cbam"), photo(photo_array, 96), target=target)
