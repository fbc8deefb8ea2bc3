"""The settings of a training run in one frozen record; the defaults train the shipped models."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

from torch import nn

from ml.errors import MlError
from ml.networks.network import NetworkSpec, build_network
from ml.networks.types import STAGES, Stage
from ml.train.fields import DATA, FROZEN_AT_MOST, NETWORK, OPTIMISER, RUN, about, check


@dataclass(frozen=True)
class TrainConfig:
    """Everything that decides a run's numbers, except the data and the starting weights.

    Attributes:
        size: Side of training crops, in px.
        eval_size: Side of validation images, and of photos when the model is used, in px.
        frozen_blocks: Number of leading blocks whose weights are not trained.
        lr: Peak rate of the trunk; modules and heads learn at `lr * new_lr_factor`.
        warmup: Share of all steps in which the rate rises.
        amp: Mixed precision; on a GPU only.
    """

    mechanism: str = "plain"
    parameters: Mapping[str, Any] = field(default_factory=dict)
    stages: Sequence[Stage] = field(
        default=STAGES,
        metadata={
            "title": "Stages with a module",
            "group": NETWORK,
            "help": "After which parts of the trunk a module looks.",
            "choices": STAGES,
        },
    )
    start: str = about(
        "imagenet",
        "Starting weights",
        NETWORK,
        "ImageNet weights (a folder's of this server, else torchvision's, else those that come "
        "along), random ones, or those of another run.",
        choices=("imagenet", "scratch", "checkpoint"),
    )
    epochs: int = about(
        4, "Epochs", RUN, "Passes over the training images.", min=1, max=1000, step=1
    )
    batch_size: int = about(
        0,
        "Batch size",
        DATA,
        "Images in one step. 0 chooses: what fits into memory and leaves eight steps an epoch, at "
        "most 64 on a CPU and 256 on a GPU.",
        min=0,
        max=4096,
        step=1,
        unit="images",
    )
    size: int = about(
        160, "Training size", DATA, "Side of the crops.", min=32, max=512, step=32, unit="px"
    )
    eval_size: int = about(
        224,
        "Validation size",
        DATA,
        "Side of validation images, and of photos later.",
        min=32,
        max=512,
        step=32,
        unit="px",
    )
    lr: float = about(1.5e-4, "Learning rate", OPTIMISER, "Peak rate of the trunk.", min=0, max=10)
    new_lr_factor: float = about(
        8.0,
        "Factor for new parts",
        OPTIMISER,
        "Modules and heads learn this many times faster than the trunk.",
        min=0,
        max=1000,
    )
    weight_decay: float = about(
        0.02,
        "Weight decay",
        OPTIMISER,
        "Pull of the weights to zero; biases and norms are left alone.",
        min=0,
        max=1,
    )
    warmup: float = about(
        0.1,
        "Warm-up",
        OPTIMISER,
        "Share of all steps in which the rate rises.",
        min=0,
        max=1,
        step=0.01,
    )
    label_smoothing: float = about(
        0.1,
        "Label smoothing",
        DATA,
        "Share of the target that all classes divide.",
        min=0,
        max=0.9,
        step=0.01,
    )
    augmentation: float = about(
        1.0,
        "Augmentation",
        DATA,
        "Strength of random crops, flips, brightness and contrast; 0 only resizes.",
        min=0,
        max=1,
        step=0.05,
    )
    placed: float = about(
        0.0,
        "Placed views",
        DATA,
        "Share of the views that are shrunk to 15 to 100 % of the side and put anywhere on "
        "scrambled pieces of another photo.",
        min=0,
        max=1,
        step=0.05,
    )
    frozen_blocks: int = about(
        6,
        "Frozen blocks",
        NETWORK,
        "How many leading blocks of the trunk keep their starting weights.",
        min=0,
        max=FROZEN_AT_MOST,
        step=1,
    )
    amp: bool = about(True, "Mixed precision", RUN, "float16 where it is safe; on a GPU only.")
    seed: int = about(
        0,
        "Seed",
        RUN,
        "Decides order, augmentation, dropout and new weights.",
        min=0,
        max=2**31 - 1,
        step=1,
    )
    optimiser: str = about(
        "adamw",
        "Optimiser",
        OPTIMISER,
        "AdamW, or SGD with Nesterov momentum.",
        choices=("adamw", "sgd"),
    )
    momentum: float = about(
        0.9, "Momentum", OPTIMISER, "Of SGD; AdamW does not use it.", min=0, max=0.999, step=0.01
    )
    schedule: str = about(
        "cosine",
        "Schedule",
        OPTIMISER,
        "How the rate goes after the warm-up: as a cosine or a line to zero, or not at all. "
        "One cycle also rises as a cosine, from a 25th of the peak.",
        choices=("cosine", "linear", "constant", "onecycle"),
    )
    early_stopping: int = about(
        0,
        "Early stopping",
        RUN,
        "End after this many epochs without a lower validation loss, and keep the best epoch's "
        "weights; 0 trains to the end.",
        min=0,
        max=1000,
        step=1,
        unit="epochs",
    )

    def __post_init__(self) -> None:
        """Raise MlError, with what to change, for settings that cannot train."""
        if not 0 <= self.frozen_blocks <= FROZEN_AT_MOST:
            raise MlError(f"frozen_blocks goes from 0 to {FROZEN_AT_MOST}: the stages come after.")
        if self.start == "scratch" and self.frozen_blocks:
            raise MlError(
                "Random weights cannot be frozen: with start=scratch, frozen_blocks is 0."
            )
        if min(self.epochs, self.size, self.eval_size) < 1:
            raise MlError("epochs and sizes must be at least 1.")
        if self.batch_size == 1:
            raise MlError("batch_size must be at least 2, or 0 for a size that fits.")
        for known in fields(self):
            check(known.name, getattr(self, known.name), known.metadata)

    def spec(self, num_classes: int) -> NetworkSpec:
        """Return what the network for data with that many classes is built from."""
        return NetworkSpec(self.mechanism, dict(self.parameters), tuple(self.stages), num_classes)

    def names(self, classes: Sequence[str]) -> tuple[str, ...]:
        """Return the model's classes for data with these."""
        return tuple(classes)

    def build(self, classes: Sequence[str]) -> nn.Module:
        """Return a new network for a model with these classes (see `names`).

        Raises:
            MlError: The mechanism does not exist, or cannot be built with these settings.
        """
        return build_network(self.spec(len(classes)))
