"""Two streams with a truth: what, and how it moves, where masks look, and whether they matter."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from ml.explain.interventions import edited_masks, even
from ml.explain.maps import explain_clips
from ml.explain.prepare import for_inference
from ml.localise import hits, points
from ml.media import flow
from ml.networks.types import Attended
from ml.networks.video.inputs import prepare
from ml.networks.video.two_stream import SnippetNetwork
from ml.networks.video.types import ClipAttended, ClipBatch, Sampled, Stream
from ml.study.clip_records import ClipAnswers, ClipMeasures, ClipPointing, EvenMasks, Share
from ml.study.packing import pack_classes, pack_flags, pack_shares
from ml.study.statistics import wilson
from ml.train.cpus import available_cpus
from ml.train.tasks.clips.camera_motion import pair_index
from ml.train.tasks.clips.moving_objects import MOVEMENTS, MovingClip
from ml.train.tasks.clips.moving_source import MovingSource

VERSION = 1
BATCH = 16
DIGITS = 5
RIDGE = 30.0
ASKED: dict[Stream, str] = {"rgb": "thing", "flow": "movement"}  # what a stream is there to tell


def measure_clips(
    network: SnippetNetwork, source: MovingSource, *, seed: int = 0, device: str = "cpu"
) -> Generator[float, None, ClipMeasures]:
    """Measure a network on one clip of every image; yield the share done (0..1).

    Args:
        network: A `SnippetNetwork` trained on pairs of a thing and a movement; it is not changed.
            Of frames alone, each question is answered by the sum of the pairs' probabilities.
        source: Images that it was not trained on.
        seed: Of the clips; the same for all networks that are compared.
        device: Where to compute.
    """
    clips, fast = replace(source, seed=seed), for_inference(network, device)
    labels, seen = torch.tensor(clips.labels), _Seen()
    with ThreadPoolExecutor(available_cpus()) as pool:
        for start in range(0, len(labels), BATCH):
            some = range(start, min(start + BATCH, len(labels)))
            drawn = list(pool.map(clips.clip, some))
            _look(fast, drawn, labels[some.start : some.stop], clips.spec.flow, device, seen)
            yield some.stop / len(labels)
    return _record(fast, clips, labels, seen)


@dataclass
class _Seen:
    """What a network did, batch by batch; `answers` by name of masks: `own`, or of a stream."""

    answers: dict[tuple[str, str], list[Tensor]] = field(default_factory=dict)
    found: dict[tuple[str, str, str], list[Tensor]] = field(default_factory=dict)
    pooled: dict[Stream, list[Tensor]] = field(default_factory=dict)
    areas: list[float] = field(default_factory=list)
    alone: list[bool] = field(default_factory=list)

    def answer(self, question: str, masks: str = "own") -> Tensor:
        """Scores of all clips, (N, classes)."""
        return torch.cat(self.answers[question, masks])


def _look(
    network: SnippetNetwork,
    drawn: list[MovingClip],
    labels: Tensor,
    method: str,
    device: str,
    seen: _Seen,
) -> None:
    sampled = [_sampled(clip, method) for clip in drawn]
    batch = prepare(network, sampled, device)
    with _pooling(network, seen.pooled):
        shown = explain_clips(network, batch, labels.tolist())
    _keep(network, shown.attended, "own", seen)
    boxes = [clip.boxes[clip.middle] for clip in drawn]
    truth = tuple(((x0, y0, x1, y1),) for x0, y0, x1, y1 in np.stack(boxes).tolist())
    for stream, methods in shown.maps.items():
        for name, stages in methods.items():
            for stage, maps in stages.items():
                places = points(maps[:, 0], drawn[0].frames.shape[1])
                seen.found.setdefault((stream, name, stage), []).append(hits(places, truth))
        middle = torch.full((len(drawn), 2), 0.5)
        seen.found.setdefault((stream, "centre", "image"), []).append(hits(middle, truth))
    seen.areas += [float((x1 - x0) * (y1 - y0)) for x0, y0, x1, y1 in boxes]
    seen.alone += [clip.second is None for clip in drawn]
    _look_evenly(network, batch, [s for s, m in shown.maps.items() if "attention" in m], seen)


@torch.inference_mode()
def _look_evenly(
    network: SnippetNetwork, batch: ClipBatch, streams: list[Stream], seen: _Seen
) -> None:
    for stream in streams:
        with edited_masks(network.network(stream), lambda _stage, mask: even(mask)):
            _keep(network, network(batch), stream, seen)


def _keep(network: SnippetNetwork, output: ClipAttended, masks: str, seen: _Seen) -> None:
    """Keep the scores of each question, from the stream that is there to tell, and of the pair."""
    things = network.spec.classes // len(MOVEMENTS)
    index = pair_index(things, len(MOVEMENTS))
    for stream, question in ASKED.items():
        known = network.spec.class_index is not None
        scores = output.streams[stream].scores if known else output.logits
        grouped = _summed(scores.detach().float().cpu(), torch.tensor(index[stream]))
        seen.answers.setdefault((question, masks), []).append(grouped)
    seen.answers.setdefault(("both", masks), []).append(output.logits.detach().float().cpu())


def _summed(scores: Tensor, index: Tensor) -> Tensor:
    """Logits (B, pairs) -> (B, groups): of a group, the sum of its pairs' probabilities."""
    groups = [scores[:, index == group].logsumexp(1) for group in range(int(index.max()) + 1)]
    return torch.stack(groups, 1)


def _sampled(clip: MovingClip, method: str) -> Sampled:
    frames = clip.frames[None]
    return Sampled(frames, np.zeros(frames.shape[:2]), np.zeros((1, 2)), flow.stack(frames, method))


@contextmanager
def _pooling(network: SnippetNetwork, pooled: dict[Stream, list[Tensor]]) -> Iterator[None]:
    """Collect the streams' pooled features, which their classifiers or consensus read."""

    def keep(stream: Stream) -> Callable[[object, object, Attended], None]:
        def hook(_module: object, _inputs: object, output: Attended) -> None:
            assert output.pooled is not None
            pooled.setdefault(stream, []).append(output.pooled.detach().float().cpu())

        return hook

    with ExitStack() as stack:
        for stream in network.streams:
            handle = network.network(stream).register_forward_hook(keep(stream))
            stack.callback(handle.remove)
        yield


def _record(
    network: SnippetNetwork, source: MovingSource, labels: Tensor, seen: _Seen
) -> ClipMeasures:
    truth = {
        "thing": labels // len(MOVEMENTS),
        "movement": labels % len(MOVEMENTS),
        "both": labels,
    }
    alone = torch.tensor(seen.alone)
    pointing: dict[str, dict[str, dict[str, ClipPointing]]] = {}
    for (stream, method, stage), parts in seen.found.items():
        hit = torch.cat(parts)
        pointing.setdefault(stream, {}).setdefault(method, {})[stage] = {
            "count": len(hit),
            "hit": _mean(hit),
            "alone": _mean(hit[alone]),
            "hits": pack_flags(hit.numpy()),
        }
    return {
        "version": VERSION,
        "seed": source.seed,
        "side": source.spec.size,
        "count": len(labels),
        "things": pack_classes(truth["thing"].numpy()),
        "movements": pack_classes(truth["movement"].numpy()),
        "areas": pack_shares(np.array(seen.areas)),
        "answers": {name: _answers(seen.answer(name), truth[name]) for name in truth},
        "pointing": pointing,
        "even": {
            stream: _evenly(stream, seen, truth)
            for stream in network.streams
            if ("both", stream) in seen.answers
        },
        "controls": {
            f"{stream} on {question}": _linear(torch.cat(seen.pooled[stream]), truth[question])
            for stream in network.streams
            for question in ASKED.values()
        },
    }


def _answers(scores: Tensor, labels: Tensor) -> ClipAnswers:
    predicted = scores.argmax(1)
    return {**_share(predicted == labels), "predicted": pack_classes(predicted.numpy())}


def _evenly(stream: Stream, seen: _Seen, truth: dict[str, Tensor]) -> EvenMasks:
    question = ASKED[stream]
    own, other = seen.answer(question), seen.answer(question, stream)
    before, after = own.argmax(1), other.argmax(1)
    gained = (other.softmax(1) - own.softmax(1)).gather(1, truth[question][:, None])
    return {
        "accuracy": _mean(after == truth[question]),
        "changed": _mean(after != before),
        "probability_change": _mean(gained),
        "both": _mean(seen.answer("both", stream).argmax(1) == truth["both"]),
        "predicted": pack_classes(after.numpy()),
    }


def _linear(features: Tensor, labels: Tensor) -> Share:
    """How well ridge regression on half of the clips' features (N, D) tells the others' labels."""
    fitted = torch.arange(len(labels)) % 2 == 0
    own, others = features[fitted].double(), features[~fitted].double()
    mean, deviation = own.mean(0), own.std(0).clamp_min(1e-3)
    x, held = (own - mean) / deviation, (others - mean) / deviation
    wanted = F.one_hot(labels, int(labels.max()) + 1)[fitted].double()
    gram = x @ x.T + RIDGE * torch.eye(len(x), dtype=x.dtype)
    scores = held @ (x.T @ torch.linalg.solve(gram, wanted - wanted.mean(0)))
    return _share((scores + wanted.mean(0)).argmax(1) == labels[~fitted])


def _share(right: Tensor) -> Share:
    low, high = wilson(int(right.sum()), len(right))
    return {
        "count": len(right),
        "accuracy": _mean(right),
        "interval": (round(low, DIGITS), round(high, DIGITS)),
    }


def _mean(values: Tensor) -> float:
    """Mean, rounded; NaN has no place in JSON, so that of nothing is 0."""
    return round(values.double().mean().item(), DIGITS) if len(values) else 0.0
