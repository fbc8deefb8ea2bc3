"""Maps of a few validation clips while a model learns: the middle snippet, stream by stream."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from ml.networks.network import Network
from ml.networks.video.base import VideoNetwork
from ml.networks.video.inputs import normalise_flow
from ml.networks.video.types import STREAMS, Stream
from ml.networks.weights import normalise
from ml.train.events import ProbeMaps
from ml.train.probe_maps import explained
from ml.train.tasks.clips.augment import centred, resized
from ml.train.tasks.clips.data import Clips


def probe_maps(
    network: VideoNetwork,
    data: Clips,
    indices: Sequence[int],
    size: int,
    targets: Sequence[int] | None = None,
) -> tuple[ProbeMaps, ...]:
    """Explain clips of a split at `size` px; Grad-CAM is of `targets`, or of their own classes.

    Methods of the flow stream are called `flow-...`. Without a 2D stream there are none.
    """
    parts = {name: getattr(network, name, None) for name in STREAMS}
    streams = {name: part for name, part in parts.items() if isinstance(part, Network)}
    if not indices or not streams:
        return ()
    classes = data.labels[list(indices)].tolist() if targets is None else list(targets)
    device = next(network.parameters()).device
    read = [data.read(index, centred(1, data.snippets)) for index in indices]
    result: list[ProbeMaps] = []
    for name, part in streams.items():
        views = _views(name, [pair[name == "flow"] for pair in read], size).to(device)
        maps = explained(part, views, _own(network, name, classes))
        head = "" if name == "rgb" else f"{name}-"
        result += [replace(m, method=head + m.method) for m in maps]
    return tuple(result)


def _views(stream: Stream, snippets: Sequence[Tensor], size: int) -> Tensor:
    """A snippet each, [1, C, S, S] or [1, L, 2, S, S], as the stream takes them: (N, C, H, W)."""
    whole = torch.cat([resized(snippet, size) for snippet in snippets])
    return normalise(whole) if stream == "rgb" else normalise_flow(whole)


def _own(network: VideoNetwork, stream: Stream, classes: Sequence[int]) -> list[int]:
    """The classes as the stream itself counts them."""
    index = (network.spec.class_index or {}).get(stream)
    return list(classes) if index is None else [index[label] for label in classes]
