"""Training on clips: the batches, network and validation of the training loop."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from dataclasses import replace

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ml.errors import MlError
from ml.model_card import ModelCard
from ml.networks.network import Network
from ml.networks.video.base import VideoNetwork
from ml.networks.video.inputs import normalise_flow
from ml.networks.video.types import ClipAttended, ClipBatch
from ml.networks.weights import normalise
from ml.train.evaluation import Evaluation
from ml.train.events import ProbeMaps, Validating
from ml.train.generators import reported
from ml.train.initial_weights import RANDOM, InitialWeights
from ml.train.model_card import describe
from ml.train.ordering import shuffled
from ml.train.spec import Provenance
from ml.train.tasks.clips import model_card
from ml.train.tasks.clips.augment import centred, resized, segments, views
from ml.train.tasks.clips.config import CLIPS, MOVING_OBJECTS, ClipConfig
from ml.train.tasks.clips.data import Clips
from ml.train.tasks.clips.evaluate import Batch, ClipEvaluation, measure
from ml.train.tasks.clips.moving_source import DrawnClips, ReadAhead
from ml.train.tasks.clips.probes import probe_maps
from ml.train.trainer import Trainer

CLIPS_AT_ONCE = 8  # the batch size that 0 chooses


class ClipTrainer(Trainer):
    """Trains a video network on labelled clips; each stream learns from its own scores."""

    network: VideoNetwork
    config: ClipConfig

    def __init__(
        self,
        config: ClipConfig,
        train: Clips | DrawnClips,
        val: Clips,
        *,
        start: InitialWeights = RANDOM,
        device: str = "cpu",
        probes: tuple[int, ...] = (),
    ) -> None:
        config = with_batch_size(config, len(train.labels))
        super().__init__(config, train, val, start=start, device=device, probes=probes)
        self._measured: ClipEvaluation | None = None

    def place(self, network: VideoNetwork) -> VideoNetwork:
        """Put the network on the device; the memory format of images does not suit 3D ones."""
        return network.to(self.device) if network.whole_clip else super().place(network)

    def frozen(self, network: VideoNetwork) -> list[nn.Module]:
        """Return the trunks' first blocks, as many as each stream keeps."""
        c = self.config
        counts = (("rgb", c.frozen_blocks), ("flow", c.flow_frozen_blocks))
        streams = [(getattr(network, name, None), count) for name, count in counts]
        return [stream.features[:n] for stream, n in streams if isinstance(stream, Network) and n]

    def freeze(self, network: VideoNetwork) -> None:
        """Freeze blocks, and with partial BN the norms of all streams."""
        freeze_norms = getattr(network, "freeze_norms", None)
        if self.config.partial_bn and freeze_norms is not None:
            freeze_norms(*network.streams)
        super().freeze(network)

    def parts(self, network: VideoNetwork) -> Iterator[tuple[nn.Module, float]]:
        """Yield trunks and new parts, which learn faster; `flow_lr_factor` is on all of flow's."""
        for name, part in network.named_children():
            rate = self.config.lr * (self.config.flow_lr_factor if name == "flow" else 1.0)
            if isinstance(part, Network):
                yield part.features, rate
            yield part, rate * self.config.new_lr_factor

    def batches(self, epoch: int, start: int) -> Iterator[tuple[ClipBatch, Tensor]]:
        """Shuffled clips, a random snippet of each segment, cropped; the last few are left out."""
        c = self.config
        indices = shuffled(len(self.train.labels), c.seed, epoch)
        order = indices[start * c.batch_size : self.steps_per_epoch * c.batch_size]
        with self.train.epoch(epoch, order.tolist()) as split:
            for number in range(start, self.steps_per_epoch):
                index = indices[number * c.batch_size : (number + 1) * c.batch_size]
                seed = (c.seed * 1_000_003 + epoch) * 1_000_003 + number
                generator = torch.Generator().manual_seed(seed)
                pairs = [self._view(split, int(i), generator) for i in index]
                yield self._batch(pairs), split.labels[index].to(self.device)

    def _view(
        self, split: Clips | ReadAhead, index: int, generator: torch.Generator
    ) -> tuple[Tensor, Tensor]:
        c = self.config
        chosen = segments(c.steps_seen, self.train.snippets, generator)
        rgb, flow = split.read(index, chosen)
        flip = c.source == CLIPS  # mirrored, a camera that pans left would pan right
        whole = c.source == MOVING_OBJECTS  # or the thing could be cut off
        return views(rgb, flow, c.size, c.augmentation, generator, flip=flip, whole=whole)

    def _batch(self, pairs: list[tuple[Tensor, Tensor]]) -> ClipBatch:
        """Stack clips of the same size and number of snippets, normalised."""
        rgb = torch.stack([frames for frames, _ in pairs]).to(self.device)
        frames = _parted(normalise(rgb.flatten(0, 1)), rgb)
        if self.network.whole_clip:
            return ClipBatch(frames, frames.new_empty(0), frames[:, :, None])
        fields = torch.stack([fields for _, fields in pairs]).to(self.device)
        flow = normalise_flow(fields.flatten(0, 1)).contiguous(memory_format=torch.channels_last)
        return ClipBatch(frames, _parted(flow, fields))

    def eval_batches(self, count: int) -> Iterator[Batch]:
        """Yield indices, clips and labels of the validation split: `count` segments' middles."""
        size, stored = self.config.eval_size, self.val.snippets
        indices = torch.arange(len(self.val.labels))
        for index in indices.split(max(1, 32 // count)):  # type: ignore[no-untyped-call]
            read = (self.val.read(int(i), centred(count, stored)) for i in index)
            pairs = [(resized(rgb, size), resized(flow, size)) for rgb, flow in read]
            yield index, self._batch(pairs), self.val.labels[index].to(self.device)

    def forward(self, inputs: ClipBatch) -> ClipAttended:
        """Classify a batch."""
        output: ClipAttended = self.network(inputs)
        return output

    def loss(self, output: ClipAttended, labels: Tensor) -> Tensor:
        """Return the cross-entropy of each stream's scores, and of fused ones if fusion is learnt.

        A network of one stream has its fused scores alone. Streams that learn through a fixed mean
        of their scores would leave the work to one.
        """
        fused = len(output.streams) == 1 or self.config.fusion == "learnt"
        terms = [(1.0, output.logits)] if fused else []
        smoothing = self.config.label_smoothing
        losses = [
            weight * F.cross_entropy(logits, labels, label_smoothing=smoothing)
            for weight, logits in (*terms, *output.auxiliary)
        ]
        return torch.stack(losses).sum()

    def evaluate(self, epoch: int) -> Generator[Validating, None, Evaluation]:
        """Evaluate on the middle snippet of each clip: quick, and enough for the curves."""
        measured = yield from self._measure(self.network, self._quick_segments, epoch)
        return measured.evaluation

    def _measure(
        self, network: VideoNetwork, segments: int, epoch: int
    ) -> Generator[Validating, None, ClipEvaluation]:
        work = measure(network, self.eval_batches(segments), self.val.labels)
        return (yield from reported(work, lambda done: Validating(epoch, done)))

    @property
    def _quick_segments(self) -> int:
        """Segments that curves are measured on: one, or all for networks that see whole clips."""
        return self.val.snippets if self.network.whole_clip else 1

    def explain(
        self, network: VideoNetwork, indices: Sequence[int], targets: Sequence[int] | None = None
    ) -> tuple[ProbeMaps, ...]:
        """Explain clips of the validation split for the classes `targets`, or their labels."""
        return probe_maps(network, self.val, indices, self.config.eval_size, targets)

    def measure(self, network: VideoNetwork) -> Generator[Validating, None, Evaluation]:
        """Evaluate the rounded network on all snippets that are stored."""
        measured = yield from self._measure(network, self.val.snippets, self.position.epoch)
        self._measured = measured
        return measured.evaluation

    def about(
        self,
        network: VideoNetwork,
        evaluation: Evaluation,
        curves: list[dict[str, float]],
        provenance: Provenance,
    ) -> ModelCard:
        """Return the model card: the JSON beside the checkpoint."""
        assert self._measured is not None
        return describe(
            self,
            model_card.architecture(network),
            evaluation,
            curves,
            provenance,
            model_card.metrics(self._measured, self.val.labels, self.val.snippets),
            {
                "train_clips": len(self.train.labels),
                "clip_versions": model_card.versions(),
            },
        )


def _parted(flat: Tensor, like: Tensor) -> Tensor:
    """(B*K, ...) -> (B, K, ...)."""
    parted: Tensor = flat.unflatten(0, like.shape[:2])  # type: ignore[no-untyped-call]
    return parted


def with_batch_size(config: ClipConfig, count: int) -> ClipConfig:
    """Return the configuration with the batch size for `count` clips; MlError for fewer than 2."""
    if count < 2:
        raise MlError(f"{count} training clip(s) are too few: 2 are needed.")
    return replace(config, batch_size=min(config.batch_size or CLIPS_AT_ONCE, count))
