"""The training loop that all tasks share: a generator that the caller can stop at any step."""

from __future__ import annotations

import math
import time
from abc import ABC, abstractmethod
from collections.abc import Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ml.errors import MlError
from ml.model_card import ModelCard
from ml.train import optimizers
from ml.train.config import TrainConfig
from ml.train.evaluation import Evaluation, calibrated, worst_mistakes
from ml.train.events import EpochEnd, Mistakes, ProbeMaps, Step, Validating
from ml.train.initial_weights import RANDOM, InitialWeights
from ml.train.ranks import ALONE, Ranks
from ml.train.schedule import share
from ml.train.spec import Provenance

RAN_AWAY = (
    "The loss is not a number any more at step {}: the training has run away. "
    "Take a lower learning rate or a longer warm-up."
)


@dataclass
class Position:
    """Where a run is: epochs finished, batches done in the next, and that epoch's sums so far."""

    epoch: int = 0
    batch: int = 0
    loss: float = 0.0
    accuracy: float = 0.0
    seconds: float = 0.0


@dataclass
class Best:
    """The epoch with the lowest validation loss; its weights too, if early stopping is on."""

    epoch: int = 0
    loss: float = math.inf
    weights: dict[str, Tensor] | None = None


class Trainer(ABC):
    """Holds a run's network, optimiser and position; `run()` does the work.

    A task's subclass builds the network, makes the batches and evaluates them.
    """

    network: Any  # a module, of the kind that the subclass trains

    def __init__(
        self,
        config: TrainConfig,
        train: Any,
        val: Any,
        *,
        start: InitialWeights = RANDOM,
        device: str = "cpu",
        ranks: Ranks = ALONE,
        probes: tuple[int, ...] = (),
    ) -> None:
        """Build the network, load its starting weights, and freeze what stays.

        Args:
            config: The settings, with a batch size.
            train: The training split, with `labels` and `classes`.
            val: The validation split.
            start: The starting weights.
            device: Device of the network.
            ranks: Which of the run's processes this one is.
            probes: Indices of validation files that are explained after every epoch.
        """
        self.config, self.device, self.ranks = config, torch.device(device), ranks
        self.train, self.val, self.probes, self.classes = train, val, probes, train.classes
        self.steps_per_epoch = len(train.labels) // config.batch_size
        self.steps = self.steps_per_epoch * config.epochs
        self.amp = config.amp and self.device.type == "cuda"
        self.scaler = torch.amp.GradScaler(self.device.type, enabled=self.amp)
        self.position, self.best = Position(), Best()
        self._validating = 0.0  # seconds that the last validation took
        torch.manual_seed(config.seed)
        network: Any = config.build(self.classes)
        start.load_into(network)
        self.network = self.place(network)
        self.freeze(self.network)
        self.optimiser = optimizers.make(self.parts(self.network), config)

    @abstractmethod
    def frozen(self, network: Any) -> list[nn.Module]:
        """Return the parts of the network that keep their starting weights."""

    @abstractmethod
    def parts(self, network: Any) -> Iterator[tuple[nn.Module, float]]:
        """Yield the network's parts with their peak learning rates (see `optimizers.make`)."""

    def place(self, network: Any) -> Any:
        """Put a network on the device, in the memory format that is fastest for images."""
        return network.to(self.device, memory_format=torch.channels_last)

    def freeze(self, network: Any) -> None:
        """Let the frozen parts have no gradients."""
        for blocks in self.frozen(network):
            blocks.requires_grad_(False)

    def set_train_mode(self) -> None:
        """Put the network into training mode, except for what is frozen."""
        self.network.train()
        for blocks in self.frozen(self.network):
            blocks.eval()

    def final(self) -> Any:
        """Return the run's network, or the best epoch's, with weights rounded as they are kept."""
        network: Any = self.config.build(self.classes)
        network.load_state_dict(self.best.weights or self.network.state_dict())
        return self.place(network.half().float()).eval()

    @abstractmethod
    def batches(self, epoch: int, start: int) -> Iterable[tuple[Any, Tensor]]:
        """Inputs and labels of an epoch's batches from number `start` on."""

    @abstractmethod
    def forward(self, inputs: Any) -> Any:
        """Run the network on a batch; return an `Attended`, or what `loss` needs of one."""

    @abstractmethod
    def evaluate(self, epoch: int) -> Generator[Validating, None, Evaluation]:
        """Evaluate the validation split, yielding progress."""

    @abstractmethod
    def explain(
        self, network: Any, indices: Sequence[int], targets: Sequence[int] | None = None
    ) -> tuple[ProbeMaps, ...]:
        """Explain files of the validation split for the classes `targets`, or their labels."""

    @abstractmethod
    def measure(self, network: Any) -> Generator[Validating, None, Evaluation]:
        """Evaluate another network of the same kind: the rounded one."""

    @abstractmethod
    def about(
        self,
        network: Any,
        evaluation: Evaluation,
        curves: list[dict[str, float]],
        provenance: Provenance,
    ) -> ModelCard:
        """Return the model card: the JSON beside the checkpoint."""

    def mistakes(self, network: Any, evaluation: Evaluation) -> Mistakes:
        """Return the worst mistakes, as sure as the calibrated model is, with maps of its answers.

        `gradcam-true` is Grad-CAM of their own classes (of the flow stream `flow-gradcam-true`).
        """
        evaluation = calibrated(evaluation, self.val.labels)
        indices = worst_mistakes(evaluation, self.val.labels)
        predicted = tuple(int(evaluation.predicted[i]) for i in indices)
        confidence = tuple(float(evaluation.confidence[i]) for i in indices)
        maps = self.explain(network, indices, predicted)
        own = [m for m in self.explain(network, indices) if m.method.endswith("gradcam")]
        maps += tuple(replace(m, method=f"{m.method}-true") for m in own)
        return Mistakes(indices, predicted, confidence, maps)

    @property
    def done(self) -> int:
        """Steps done since the run began."""
        return self.position.epoch * self.steps_per_epoch + self.position.batch

    @property
    def stopped_early(self) -> bool:
        """True if validation loss has not improved for `early_stopping` epochs."""
        patience, epoch = self.config.early_stopping, self.position.epoch
        return 0 < patience <= epoch - self.best.epoch and epoch < self.config.epochs

    def trainable_parameters(self) -> list[nn.Parameter]:
        """Return the parameters that the optimiser changes, in its order."""
        return optimizers.trainable_parameters(self.optimiser)

    def scale(self, step: int) -> float:
        """Share of the peak learning rate at a step."""
        return share(self.config.schedule, step, self.steps, self.config.warmup)

    def run(self) -> Iterator[Step | Validating | EpochEnd]:
        """Train from `position` to the end, yielding after every step and every epoch.

        Raises:
            MlError: The loss or a gradient is no longer a number.
        """
        spent, first = 0.0, self.done
        while self.position.epoch < self.config.epochs and not self.stopped_early:
            self.set_train_mode()
            began = time.perf_counter()
            for inputs, labels in self.batches(self.position.epoch, self.position.batch):
                loss, right = self.step(inputs, labels, self.done)
                seconds = time.perf_counter() - began
                spent += seconds
                self.position.batch += 1
                self.position.loss += loss
                self.position.accuracy += right
                self.position.seconds += seconds
                yield self._progress(loss, right, (self.done - first) / spent)
                began = time.perf_counter()
            yield from self._end_epoch()

    def _progress(self, loss: float, accuracy: float, rate: float) -> Step:
        return Step(
            epoch=self.position.epoch,
            step=self.done,
            steps=self.steps,
            loss=loss,
            accuracy=accuracy,
            lr=self.config.lr * self.scale(self.done - 1),
            images_per_s=rate * self.config.batch_size,
            seconds_left=(self.steps - self.done) / rate
            + self._validating * (self.config.epochs - self.position.epoch),
        )

    def _end_epoch(self) -> Iterator[Validating | EpochEnd]:
        """Validate, explain the probes, and move on to the next epoch."""
        began, ended = time.perf_counter(), self.position
        evaluation = yield from self.evaluate(ended.epoch + 1)
        maps = self.explain(self.network, self.probes)
        self._validating = time.perf_counter() - began
        self.position = Position(epoch=ended.epoch + 1)
        if evaluation.loss < self.best.loss:
            self.best = Best(self.position.epoch, evaluation.loss, self._copy())
        yield EpochEnd(
            epoch=self.position.epoch,
            step=self.done,
            train_loss=ended.loss / max(1, ended.batch),
            train_accuracy=ended.accuracy / max(1, ended.batch),
            val_loss=evaluation.loss,
            val_accuracy=evaluation.accuracy,
            lr=self.config.lr * self.scale(self.done - 1),
            seconds=ended.seconds + self._validating,
            predicted=evaluation.predicted,
            confidence=evaluation.confidence,
            probes=maps,
            streams=evaluation.streams,
        )

    def _copy(self) -> dict[str, Tensor] | None:
        if not self.config.early_stopping:
            return None
        return {k: v.detach().clone() for k, v in self.network.state_dict().items()}

    def step(self, inputs: Any, labels: Tensor, step: int) -> tuple[float, float]:
        """Do step number `step`; return loss and accuracy on the whole batch."""
        for group in self.optimiser.param_groups:
            group["lr"] = group["peak"] * self.scale(step)
        # Dropout depends on seed, step and rank only.
        torch.manual_seed(self.config.seed * 1_000_003 + step + 7_919_000_000 * self.ranks.rank)
        loss, right = self.gradients(inputs, labels)
        self.scaler.unscale_(self.optimiser)
        norm = nn.utils.clip_grad_norm_(self.network.parameters(), 5.0)
        numbers = self._whole(loss, right, norm, step)
        self.scaler.step(self.optimiser)
        self.scaler.update()
        return numbers

    def gradients(self, inputs: Any, labels: Tensor) -> tuple[Tensor, Tensor]:
        """Fill the parameters' gradients; return loss and accuracy on this rank's share."""
        with torch.autocast(self.device.type, enabled=self.amp):
            output = self.forward(inputs)
            loss = self.loss(output, labels)
        self.optimiser.zero_grad(set_to_none=True)
        weight = self.ranks.weight(self.config.batch_size)
        torch.autograd.backward(self.scaler.scale(loss * weight))
        return loss.detach(), (output.logits.argmax(1) == labels).float().mean()

    def _whole(self, loss: Tensor, right: Tensor, norm: Tensor, step: int) -> tuple[float, float]:
        """Return means over the whole batch; MlError, before any weight changes, if not finite."""
        numbers: list[float] = torch.stack([loss, right, norm]).tolist()
        if self.ranks.size > 1:
            weight = self.ranks.weight(self.config.batch_size) / self.ranks.size
            numbers[:2] = self.ranks.sums(numbers[0] * weight, numbers[1] * weight)
        scaled = self.amp and math.isfinite(numbers[0])  # the scaler leaves such a step out
        if not scaled and not all(math.isfinite(n) for n in numbers):
            raise MlError(RAN_AWAY.format(step + 1))
        return numbers[0], numbers[1]

    def loss(self, output: Any, labels: Tensor) -> Tensor:
        """Return the cross-entropy of the prediction and of the mechanism's auxiliary outputs."""
        smoothing = self.config.label_smoothing
        terms = [(output.loss_weight, output.logits), *output.auxiliary]
        losses = [w * F.cross_entropy(z, labels, label_smoothing=smoothing) for w, z in terms if w]
        return torch.stack(losses).sum()
