"""Training on clips: the loop's batches, network and validation."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from dataclasses import replace
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from ml.errors import MlError
from ml.networks.network import Network
from ml.networks.video.base import VideoNetwork, build_video
from ml.networks.video.inputs import normalise_flow
from ml.networks.video.types import ClipAttended, ClipBatch
from ml.train.events import ProbeMaps, Validating
from ml.train.parallel.ranks import ALONE
from ml.train.tasks.clips import model_card
from ml.train.tasks.clips.augment import centred, resized, segments, views
from ml.train.tasks.clips.config import CLIPS, ClipConfig
from ml.train.tasks.clips.data import Clips
from ml.train.tasks.clips.evaluate import Measured, measure
from ml.train.tasks.clips.initial_weights import Start
from ml.train.tasks.clips.optimizers import make
from ml.train.tasks.clips.probes import probe_maps
from ml.train.tasks.photos.data import order
from ml.train.tasks.photos.evaluate import Evaluation
from ml.train.trainer import Loop, Provenance
from ml.weights import normalise

CLIPS_AT_ONCE = 8  # in a step, where nobody said


class ClipTrainer(Loop):
    """A run on labelled clips; each stream learns from its own scores."""

    network: VideoNetwork
    config: ClipConfig

    def __init__(
        self,
        config: ClipConfig,
        train: Clips,
        val: Clips,
        *,
        start: Start | None = None,
        device: str = "cpu",
        probes: tuple[int, ...] = (),
    ) -> None:
        super().__init__(
            settled(config, len(train.labels)), len(train.labels), torch.device(device), ALONE
        )
        self.train, self.val, self.probes, self.classes = train, val, probes, train.classes
        torch.manual_seed(config.seed)
        network = self._built()
        if start:
            start.put(network)
        self.network = self._placed(network)
        self._freeze()
        self.optimiser = make(self.network, self.config)
        self._measured: Measured | None = None

    def _built(self) -> VideoNetwork:
        return build_video(self.config.video(self.classes))

    def _placed(self, network: VideoNetwork) -> VideoNetwork:
        """Put it on the device, with pictures' memory as it is quickest."""
        if network.whole_clip:
            return network.to(self.device)
        found: VideoNetwork = network.to(self.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        return found

    def _freeze(self) -> None:
        if self.config.partial_bn:
            freeze = getattr(self.network, "freeze_norms", None)
            if freeze is not None:
                freeze(*self.network.streams)
        for blocks in self._frozen():
            blocks.requires_grad_(False)

    def _frozen(self) -> list[torch.nn.Module]:
        """The trunks' first blocks, as many as each stream keeps."""
        c = self.config
        counts = (("rgb", c.frozen_blocks), ("flow", c.flow_frozen_blocks))
        parts = [(getattr(self.network, name, None), count) for name, count in counts]
        return [part.features[:n] for part, n in parts if isinstance(part, Network) and n]

    def into_training(self) -> None:
        """Put the network into training mode, what is frozen not."""
        self.network.train()
        for blocks in self._frozen():
            blocks.eval()

    def batches(self, epoch: int, start: int) -> Iterator[tuple[ClipBatch, Tensor]]:
        """Shuffled clips, a random snippet of each segment, cropped; the last few are left out."""
        c = self.config
        shuffled = order(len(self.train.labels), c.seed, epoch)
        for number in range(start, self.steps_per_epoch):
            index = shuffled[number * c.batch_size : (number + 1) * c.batch_size]
            seed = (c.seed * 1_000_003 + epoch) * 1_000_003 + number
            generator = torch.Generator().manual_seed(seed)
            pairs = [self._view(int(i), generator) for i in index]
            yield self._batch(pairs), self.train.labels[index].to(self.device)

    def _view(self, index: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        c = self.config
        chosen = segments(c.steps_seen, self.train.snippets, generator)
        rgb, flow = self.train.read(index, chosen)
        flip = c.source == CLIPS  # mirrored, a camera that pans left would pan right
        return views(rgb, flow, c.size, c.augmentation, generator, flip=flip)

    def _batch(self, pairs: list[tuple[Tensor, Tensor]]) -> ClipBatch:
        """Stack clips of the same size and number of snippets, normalised."""
        rgb = torch.stack([frames for frames, _ in pairs]).to(self.device)
        frames = _parted(normalise(rgb.flatten(0, 1)), rgb)
        if self.network.whole_clip:
            return ClipBatch(frames, frames.new_empty(0), frames[:, :, None])
        fields = torch.stack([fields for _, fields in pairs]).to(self.device)
        flow = normalise_flow(fields.flatten(0, 1)).contiguous(memory_format=torch.channels_last)
        return ClipBatch(frames, _parted(flow, fields))

    def eval_batches(self, count: int) -> Iterator[tuple[Tensor, ClipBatch, Tensor]]:
        """Yield indices, clips and labels of the validation split: `count` segments' middles."""
        size, kept = self.config.eval_size, self.val.snippets
        indices = torch.arange(len(self.val.labels))
        for index in indices.split(max(1, 32 // count)):  # type: ignore[no-untyped-call]
            read = (self.val.read(int(i), centred(count, kept)) for i in index)
            pairs = [(resized(rgb, size), resized(flow, size)) for rgb, flow in read]
            yield index, self._batch(pairs), self.val.labels[index].to(self.device)

    def attend(self, inputs: ClipBatch) -> ClipAttended:
        """Classify a batch."""
        attended: ClipAttended = self.network(inputs)
        return attended

    def loss(self, attended: ClipAttended, labels: Tensor) -> Tensor:
        """Cross-entropy of each stream's scores; of the fused ones where there is one or a layer.

        Streams that learn through a fixed mean of their scores would leave the work to one.
        """
        fused = len(attended.streams) == 1 or self.config.fusion == "learnt"
        terms = [(1.0, attended.logits)] if fused else []
        smoothing = self.config.label_smoothing
        losses = [
            weight * F.cross_entropy(logits, labels, label_smoothing=smoothing)
            for weight, logits in (*terms, *attended.auxiliary)
        ]
        return torch.stack(losses).sum()

    def evaluate(self, epoch: int) -> Generator[Validating, None, Evaluation]:
        """Evaluate on one snippet of each clip, its middle: quick, and enough for the curves."""
        found = yield from measure(self, self.network, self._glimpse, epoch)
        return found.evaluation

    @property
    def _glimpse(self) -> int:
        """How many snippets the curves look at; what sees a whole clip at once needs them all."""
        whole: bool = self.network.whole_clip
        return self.kept if whole else 1

    @property
    def kept(self) -> int:
        """Snippets that are kept of a validation clip."""
        count: int = self.val.snippets
        return count

    def explain(
        self, network: VideoNetwork, indices: Sequence[int], targets: Sequence[int] | None = None
    ) -> tuple[ProbeMaps, ...]:
        """Explain some of the validation split: of `targets`, or of their own classes."""
        return probe_maps(network, self.val, indices, self.config.eval_size, targets)

    def final(self) -> VideoNetwork:
        """Return the run's network, or the best epoch's, with weights rounded as they are kept."""
        network = self._built()
        network.load_state_dict(self.best.weights or self.network.state_dict())
        return self._placed(network.half().float()).eval()

    def measure(self, network: VideoNetwork) -> Generator[Validating, None, Evaluation]:
        """Evaluate the rounded network with all segments that are kept."""
        found = yield from measure(self, network, self.kept, self.position.epoch)
        self._measured = found
        return found.evaluation

    def about(
        self,
        network: VideoNetwork,
        found: Evaluation,
        curves: list[dict[str, float]],
        provenance: Provenance,
    ) -> dict[str, Any]:
        """Say everything about the run, for the checkpoint's JSON."""
        assert self._measured is not None
        return model_card.describe_clips(self, network, self._measured, found, curves, provenance)


def _parted(flat: Tensor, like: Tensor) -> Tensor:
    """(B*K, ...) -> (B, K, ...)."""
    found: Tensor = flat.unflatten(0, like.shape[:2])  # type: ignore[no-untyped-call]
    return found


def settled(config: ClipConfig, count: int) -> ClipConfig:
    """Return the configuration with the batch size that `count` clips will have."""
    if count < 2:
        raise MlError(f"{count} training clip(s) are too few: 2 are needed.")
    return replace(config, batch_size=min(config.batch_size or CLIPS_AT_ONCE, count))
