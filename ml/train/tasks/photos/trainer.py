"""Training on photos: the batches, network and validation of the training loop."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

import torch
from torch import Tensor, nn

from ml.model_card import Architecture, ModelCard
from ml.networks.network import Network
from ml.networks.types import Attended
from ml.train.config import TrainConfig
from ml.train.evaluation import Evaluation
from ml.train.events import ProbeMaps, Validating
from ml.train.generators import reported
from ml.train.initial_weights import RANDOM, InitialWeights
from ml.train.model_card import describe
from ml.train.parallel.wrap import wrap
from ml.train.ranks import ALONE, Ranks
from ml.train.spec import Provenance
from ml.train.tasks.photos.batch_size import with_batch_size
from ml.train.tasks.photos.data import Images
from ml.train.tasks.photos.evaluate import evaluate
from ml.train.tasks.photos.frozen_features import FrozenFeatureCache
from ml.train.tasks.photos.probes import probe_maps
from ml.train.trainer import Trainer


class PhotoTrainer(Trainer):
    """Trains an image network on labelled images."""

    network: Network

    def __init__(
        self,
        config: TrainConfig,
        train: Images,
        val: Images,
        *,
        start: InitialWeights = RANDOM,
        device: str = "cpu",
        cache: Path | None = None,
        ranks: Ranks = ALONE,
        probes: tuple[int, ...] = (),
    ) -> None:
        config = with_batch_size(config, len(train.labels), device, ranks)
        super().__init__(config, train, val, start=start, device=device, ranks=ranks, probes=probes)
        self.model = wrap(self.network, self.device) if ranks.size > 1 else self.network
        self._cache = cache if self.device.type == "cpu" else None
        self.frozen_features = self._features(self.network)

    def frozen(self, network: Network) -> list[nn.Module]:
        """Return the leading blocks that keep their starting weights."""
        return [network.features[: self.config.frozen_blocks]]

    def parts(self, network: Network) -> Iterator[tuple[nn.Module, float]]:
        """Yield the trunk and the new modules, which learn faster."""
        yield network.features, self.config.lr
        yield network.mechanism, self.config.lr * self.config.new_lr_factor

    def _features(self, network: Network) -> FrozenFeatureCache:
        blocks = network.features[: self.config.frozen_blocks]
        return FrozenFeatureCache(blocks, self.config, self._cache, self.ranks)

    def batches(self, epoch: int, start: int) -> Iterable[tuple[Tensor, Tensor]]:
        """Return features of the frozen blocks, and labels."""
        return self.frozen_features.train_batches(self.train, epoch, start, self.device)

    def forward(self, inputs: Tensor) -> Attended:
        """Run the blocks that learn."""
        output: Attended = self.model(inputs, start=self.config.frozen_blocks)
        return output

    def explain(
        self, network: Network, indices: Sequence[int], targets: Sequence[int] | None = None
    ) -> tuple[ProbeMaps, ...]:
        """Explain images of the validation split for the classes `targets`, or their labels."""
        return probe_maps(network, self.val, indices, self.config.eval_size, targets)

    def evaluate(self, epoch: int) -> Generator[Validating, None, Evaluation]:
        """Evaluate the validation split, yielding progress."""
        self._share_statistics()
        return (yield from self._measured(self.network, self.frozen_features, epoch))

    @torch.no_grad()
    def _share_statistics(self) -> None:
        """Give every rank the mean of the ranks' running statistics; SyncBatchNorm's are equal."""
        for buffer in self.network.buffers():
            if self.ranks.size > 1 and buffer.is_floating_point():
                buffer.copy_(self.ranks.added(buffer) / self.ranks.size)

    def measure(self, network: Network) -> Generator[Validating, None, Evaluation]:
        """Evaluate another network of the same kind: the rounded one."""
        return (yield from self._measured(network, self._features(network), self.position.epoch))

    def _measured(
        self, network: Network, frozen: FrozenFeatureCache, epoch: int
    ) -> Generator[Validating, None, Evaluation]:
        work = evaluate(network, frozen, self.val, self.config.frozen_blocks, self.ranks)
        return (yield from reported(work, lambda done: Validating(epoch, done)))

    def about(
        self,
        network: Network,
        evaluation: Evaluation,
        curves: list[dict[str, float]],
        provenance: Provenance,
    ) -> ModelCard:
        """Return the model card: the JSON beside the checkpoint."""
        architecture: Architecture = {
            "mechanism": self.config.mechanism,
            "parameters": asdict(network.mechanism.parameters_used),
            "stages": list(self.config.stages),
            "backbone": network.backbone,
        }
        return describe(
            self,
            architecture,
            evaluation,
            curves,
            provenance,
            {"images": len(self.val.labels)},
            {"train_images": len(self.train.labels)},
        )
