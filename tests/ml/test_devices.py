"""What a GPU would refuse, found without one: fake tensors compute nothing, but know their device.

An operation on tensors of two devices is an error there, as on a real GPU.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
from torch import nn
from torch._subclasses.fake_tensor import FakeTensorMode

from ml.explain.combine import _linear
from ml.explain.exact import exact
from ml.explain.maps import explain_clips
from ml.explain.methods import METHODS
from ml.networks.attention.base import MECHANISMS
from ml.networks.backbones.base import BACKBONES
from ml.networks.network import NetworkSpec, build_network
from ml.networks.video.base import VideoNetwork, VideoSpec, build_video
from ml.networks.video.still import StillNetwork
from ml.networks.video.types import ClipBatch
from ml.train.tasks.photos.data import augment
from tests.ml.test_registry import SMALL

GPU = torch.device("cuda", 0)


@pytest.fixture
def backbone(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A few convolutions; fake matrices are not kept for other tests."""
    monkeypatch.setitem(BACKBONES._items, SMALL.name, SMALL)
    _linear.cache_clear()
    yield SMALL.name
    _linear.cache_clear()


def on_gpu(network: VideoNetwork) -> VideoNetwork:
    """Move what `to` moves: parameters and buffers (`to` itself cannot move fake ones)."""
    for module in network.modules():
        for name, parameter in module._parameters.items():
            if parameter is not None:
                module._parameters[name] = nn.Parameter(parameter.detach().to(GPU))
        for name, buffer in module._buffers.items():
            if buffer is not None:
                module._buffers[name] = buffer.to(GPU)
        if isinstance(module, nn.LSTM):
            module._flat_weights = [module._parameters[n] for n in module._flat_weights_names]
    return network.eval()


def clips(size: int = 64) -> ClipBatch:
    return ClipBatch(
        torch.empty(2, 3, 3, size, size, device=GPU),
        torch.empty(2, 3, 20, size, size, device=GPU),
        torch.empty(2, 3, 4, 3, size, size, device=GPU),
    )


def explained_on_gpu(network: VideoNetwork, batch: ClipBatch) -> None:
    """Everything but the backward pass, which fake tensors of a missing GPU cannot do."""
    on_gpu(network)
    maps = explain_clips(network, batch, [0, None], ("attention", "rollout"))
    assert {v.device for s in maps.maps.values() for m in s.values() for v in m.values()} <= {GPU}
    assert network.score(maps.attended, maps.targets).device == GPU
    for stream, scores in maps.attended.streams.items():
        assert network.part(stream, scores.logits[0].double()).device == GPU


@pytest.mark.parametrize("mechanism", sorted(MECHANISMS))
def test_masks_stay_on_the_device(mechanism: str, backbone: str) -> None:
    with FakeTensorMode():
        network = StillNetwork(build_network(NetworkSpec(mechanism, backbone=backbone)))
        images = torch.empty(2, 1, 3, 64, 64, device=GPU)
        explained_on_gpu(network, ClipBatch(images, images[:, :, :0]))


@pytest.mark.parametrize(
    ("architecture", "fusion", "consensus"),
    [
        ("two_stream", "logits", "mean"),
        ("two_stream", "softmax", "mean"),
        ("two_stream", "learnt", "attention"),
        ("cnn_lstm", "logits", "mean"),
    ],
)
def test_clips_stay_on_the_device(
    architecture: str, fusion: str, consensus: str, backbone: str
) -> None:
    index = {"rgb": (0, 0, 1, 1), "flow": (0, 1, 0, 1)}
    with FakeTensorMode():
        spec = VideoSpec(
            architecture, classes=4, fusion=fusion, consensus=consensus, class_index=index,
            backbone=backbone,
        )  # fmt: skip
        explained_on_gpu(build_video(spec), clips())


def test_cams_and_views_stay_on_the_device() -> None:
    cams = [method.function for _, method in METHODS.items() if method.function is not None]
    with FakeTensorMode():
        a = torch.empty(2, 8, 7, 7, device=GPU)
        assert {cam(a, a).device for cam in cams} == {GPU}
        views = augment(torch.empty(4, 3, 16, 16, dtype=torch.uint8, device=GPU), 8, 0)
        assert views.device == GPU


def test_a_mixture_of_devices_would_be_found() -> None:
    with FakeTensorMode(), pytest.raises(RuntimeError, match="cpu"):
        torch.empty(2, 3, device=GPU) @ torch.empty(3, 2)


def test_convolutions_on_a_gpu_are_exact() -> None:
    def settings() -> tuple[bool, bool, bool]:
        cudnn = torch.backends.cudnn
        return cudnn.enabled, cudnn.deterministic, cudnn.allow_tf32

    before = settings()
    with exact(torch.device("cpu")):
        assert settings() == before
    with exact(GPU):
        assert settings() == (True, True, False)
    assert settings() == before


def test_an_lstm_that_is_explained_does_not_use_cudnn(backbone: str) -> None:
    """cuDNN raises "RNN backward can only be called in training mode"."""
    network = build_video(VideoSpec("cnn_lstm", backbone=backbone))
    used: list[bool] = []
    lstm = network.get_submodule("lstm")
    lstm.register_forward_pre_hook(lambda *_: used.append(torch.backends.cudnn.enabled))
    batch = ClipBatch(torch.zeros(1, 2, 3, 64, 64), torch.zeros(1, 2, 0))
    explain_clips(network.eval(), batch, methods=("gradcam",))
    network.train()(batch)
    assert used == [False, True]
