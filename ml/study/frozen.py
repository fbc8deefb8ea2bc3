"""Heads on frozen trunks: what a stream's features tell, without training the trunk for it."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file
from torch import Tensor

from ml.files import replacing
from ml.networks.attention.base import MECHANISMS, Mechanism, Slots
from ml.networks.backbones.base import BACKBONES
from ml.networks.network import Network, parse_parameters
from ml.networks.types import STAGES
from ml.networks.video.inputs import normalise_flow
from ml.networks.video.two_stream import SnippetNetwork
from ml.networks.video.types import STREAMS, Stream
from ml.networks.weights import normalise
from ml.study.sources import Scores, Whole, folds
from ml.train.schedule import share
from ml.train.tasks.clips.data import Clips

HEAD = "head"  # the last block's features, beside those of the three stages
PENALTIES = tuple(10.0**power for power in range(1, 7))
EPOCHS, BATCH, RATE, DECAY, SMOOTHING, DROPOUT = 8, 8, 8e-4, 0.02, 0.1, 0.5  # as modules learn
Features = Mapping[str, Tensor]  # "flow.late" -> (N, K, C, h, w)


def features(clips: Clips, network: SnippetNetwork) -> Generator[float, None, Features]:
    """Run both trunks on all snippets; yield the share done, return float16 maps by stage.

    What was computed is kept beside the clips' stored snippets.
    """
    files = [path.with_suffix(".frozen") for path in clips.arrays]
    for index, path in enumerate(files):
        if not path.is_file():
            rgb, flow = clips.read(index, range(clips.snippets))
            inputs = {"rgb": normalise(rgb), "flow": normalise_flow(flow)}
            found: dict[str, Tensor] = {}
            for stream in STREAMS:
                found |= _maps(network.network(stream), inputs[stream], stream)
            with replacing(path, flush=False) as part:
                save_file(found, part)
        yield (index + 1) / len(files)
    loaded = [load_file(path) for path in files]
    return {name: torch.stack([one[name] for one in loaded]) for name in loaded[0]}


@torch.inference_mode()
def _maps(network: Network, x: Tensor, stream: Stream) -> dict[str, Tensor]:
    after = {index: stage for stage, index in BACKBONES[network.backbone].trunk.items()}
    found: dict[str, Tensor] = {}
    for index, block in enumerate(network.features):
        x = block(x)
        if index in after:
            found[f"{stream}.{after[index]}"] = x
    found[f"{stream}.{HEAD}"] = x.mean((2, 3), keepdim=True)  # all that a head reads of it
    return {name: maps.half().contiguous() for name, maps in found.items()}


def linear(
    maps: Features, stream: Stream, labels: Tensor, fold: Whole, sources: Sequence[str]
) -> Scores:
    """Return the held-out scores (N,) of ridge regression on features averaged over the clip.

    The penalty of a fold is the one with the least squared error in folds of its own.
    """
    parts = [maps[f"{stream}.{stage}"].float().mean((1, 3, 4)) for stage in (*STAGES, HEAD)]
    x, y = torch.cat(parts, 1).double(), 1.0 - 2.0 * labels.double()  # class 0 is yes
    scores = torch.zeros_like(y)
    for number in range(int(fold.max()) + 1):
        seen, held = (torch.from_numpy(np.flatnonzero(m)) for m in (fold != number, fold == number))
        inner = torch.from_numpy(folds([sources[i] for i in seen], int(fold.max()) + 1))
        errors = [_error(x[seen], y[seen], inner, penalty) for penalty in PENALTIES]
        scores[held] = _ridge(x[seen], y[seen], x[held], PENALTIES[int(np.argmin(errors))])
    return scores.numpy()


def _error(x: Tensor, y: Tensor, fold: Tensor, penalty: float) -> float:
    parts = [(fold != number, fold == number) for number in range(int(fold.max()) + 1)]
    return sum(
        float((_ridge(x[seen], y[seen], x[held], penalty) - y[held]).square().sum())
        for seen, held in parts
    )


def _ridge(x: Tensor, y: Tensor, wanted: Tensor, penalty: float) -> Tensor:
    middle, spread = x.mean(0), x.std(0).clamp_min(1e-3)
    own, other = (x - middle) / spread, (wanted - middle) / spread
    gram = own @ own.T + penalty * torch.eye(len(x), dtype=x.dtype)
    dual: Tensor = torch.linalg.solve(gram, y - y.mean())
    return other @ (own.T @ dual) + y.mean()


def attention(
    mechanism: str, maps: Features, stream: Stream, labels: Tensor, fold: Whole, seed: int = 0
) -> Scores:
    """Return the held-out scores (N,) of a mechanism that is trained on the frozen features.

    Only mechanisms that act after the trunk can be trained so, and not `gated-grid`, whose gating
    vectors differ between positions: of the last block only the mean is kept.
    """
    own = {stage: maps[f"{stream}.{stage}"] for stage in (*STAGES, HEAD)}
    scores = torch.zeros(len(labels))
    for number in range(int(fold.max()) + 1):
        seen, held = (torch.from_numpy(np.flatnonzero(m)) for m in (fold != number, fold == number))
        head = _trained(mechanism, own, labels, seen, seed)
        snippets = torch.arange(own[HEAD].shape[1]).expand(len(held), -1)
        with torch.inference_mode():
            logits = _logits(head, own, held, snippets)
        scores[held] = logits[:, 0] - logits[:, 1]
    return scores.double().numpy()


def _trained(mechanism: str, maps: Features, labels: Tensor, seen: Tensor, seed: int) -> Mechanism:
    """Train on one random snippet of each half of a clip, as the streams are trained."""
    torch.manual_seed(seed)
    channels = {stage: maps[stage].shape[2] for stage in STAGES}
    entry = MECHANISMS[mechanism]
    parameters = parse_parameters(entry.parameters, {"dropout": DROPOUT})
    head = entry.build(Slots(channels, maps[HEAD].shape[2], 2, STAGES), parameters).train()
    optimiser = torch.optim.AdamW(head.parameters(), RATE, weight_decay=DECAY)
    half, per_epoch = maps[HEAD].shape[1] // 2, len(seen) // BATCH
    for step in range(EPOCHS * per_epoch):
        if step % per_epoch == 0:
            order = seen[torch.randperm(len(seen))]
        chosen = order[step % per_epoch * BATCH :][:BATCH]
        optimiser.param_groups[0]["lr"] = RATE * share("cosine", step, EPOCHS * per_epoch, 0.1)
        logits = _logits(
            head, maps, chosen, torch.randint(half, (BATCH, 2)) + torch.tensor([0, half])
        )
        optimiser.zero_grad()
        F.cross_entropy(logits, labels[chosen], label_smoothing=SMOOTHING).backward()  # type: ignore[no-untyped-call]
        optimiser.step()
    return head.eval()


def _logits(head: Mechanism, maps: Features, clips: Tensor, snippets: Tensor) -> Tensor:
    """Return logits (B, 2), means over the chosen snippets (B, k) of each clip."""
    taken = {name: m[clips[:, None], snippets].flatten(0, 1).float() for name, m in maps.items()}
    logits = head.classify({stage: taken[stage] for stage in STAGES}, taken[HEAD]).logits
    return logits.reshape(*snippets.shape, -1).mean(1)
