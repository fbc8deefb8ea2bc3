"""Whether a network that somebody else trained can be asked at all: its size, time and numbers."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from math import prod
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from safetensors import safe_open
from torch import nn

from ml import checkpoint as checkpoints
from ml.errors import MlError
from ml.explain.explain import explain
from ml.explain.results import LoadedModel
from ml.media import flow as motion
from ml.networks.network import build_network
from ml.networks.video.base import build_video
from ml.networks.video.types import Sampled

EXAMPLES = Path(__file__).parents[2] / "static" / "examples"
PHOTOS = ("church.jpg", "golf-ball.jpg")
SECONDS = 30.0  # for both photos or the clip; a shipped network takes about one
SPARE = 1.05  # buffers that a checkpoint leaves out
SIDE, LENGTH, SNIPPETS, STEP = 224, 11, 2, 2  # of the clip: a window that moves over a photo


def check_size(checkpoint: checkpoints.Checkpoint) -> None:
    """Compare the network that a card describes with its file, before it takes any memory.

    Raises:
        MlError: The network has more weights than the file, or cannot be built.
    """
    with safe_open(checkpoint.path, "pt") as file:
        stored = sum(prod(file.get_slice(name).get_shape()) for name in list(file.keys()))
    clip = checkpoint.kind == checkpoints.CLIP
    with torch.device("meta"):
        network: nn.Module = (
            build_video(checkpoint.video_spec) if clip else build_network(checkpoint.spec)
        )
    described = sum(tensor.numel() for tensor in network.state_dict().values())
    if described > SPARE * stored:
        raise MlError(
            f"{checkpoint.path.name} does not fit its description: that has {described:,} weights, "
            f"and the file {stored:,}."
        )


def check_answers(model: LoadedModel, *, clip: bool, seconds: float = SECONDS) -> None:
    """Ask a network about real pictures.

    Raises:
        MlError: It is too slow, or an answer or a map is not finite.
    """
    with _within(model, seconds):
        for sampled in [_clip()] if clip else map(_photo, PHOTOS):
            explain(model, sampled)


def _photo(name: str) -> Sampled:
    with Image.open(EXAMPLES / name) as file:
        return Sampled.of_photo(np.asarray(file.convert("RGB").resize((SIDE, SIDE)), np.uint8))


def _clip() -> Sampled:
    side = SIDE + SNIPPETS * LENGTH * STEP
    with Image.open(EXAMPLES / PHOTOS[0]) as file:
        wide = np.asarray(file.convert("RGB").resize((side, SIDE)), np.uint8)
    count = SNIPPETS * LENGTH
    seen = np.stack([wide[:, STEP * k : STEP * k + SIDE] for k in range(count)])
    frames = seen.reshape(SNIPPETS, LENGTH, SIDE, SIDE, 3)
    times = np.arange(count, dtype=np.float64).reshape(SNIPPETS, LENGTH) / 25
    bounds = np.stack([times[:, 0], times[:, -1]], 1)
    return Sampled(frames, times, bounds, motion.stack(frames, "dis"))


@contextmanager
def _within(model: LoadedModel, seconds: float) -> Iterator[None]:
    """Let a network's layers run for so long, then raise MlError."""
    ends = time.monotonic() + seconds
    handles = [layer.register_forward_pre_hook(_stop(model.id, ends, seconds))
               for layer in model.network.modules()]  # fmt: skip
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def _stop(model_id: str, ends: float, seconds: float) -> Callable[[nn.Module, object], None]:
    def check(_layer: nn.Module, _inputs: object) -> None:
        if time.monotonic() > ends:
            raise MlError(f"{model_id} needs more than {seconds:g} s for two small pictures.")

    return check
