"""What a training run is, in one frozen record; the defaults train the shipped models."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

from ml.errors import MlError
from ml.networks.network import NetworkSpec
from ml.networks.types import STAGES, Stage

FROZEN_AT_MOST = 6  # the early stage is tapped after block 6, counted from 0
RUN, OPTIMISER, DATA, NETWORK = "run", "optimiser", "data", "network"

# Random weights have everything to learn, and nothing that could be frozen. Chosen by short runs
# on a part of Imagenette's training split, scored on another part of it (docs/training.md).
SCRATCH: Mapping[str, Any] = {
    "frozen_blocks": 0,
    "new_lr_factor": 1.0,
    "optimiser": "sgd",
    "lr": 0.05,
    "weight_decay": 5e-4,
    "batch_size": 32,
    "augmentation": 0.6,
}
SCRATCH_ADAMW: Mapping[str, Any] = {
    **SCRATCH,
    "optimiser": "adamw",
    "lr": 3e-3,
    "weight_decay": 0.05,
}


def about(default: Any, title: str, group: str, text: str, **more: Any) -> Any:
    """Return a dataclass field with what a form says of it."""
    return field(default=default, metadata={"title": title, "group": group, "help": text, **more})


@dataclass(frozen=True)
class TrainConfig:
    """Everything that decides a run's numbers, beside the data and the starting weights.

    size: px of training crops; eval_size: px of validation and later use. frozen_blocks: how many
    leading blocks keep their weights. lr: peak rate of the trunk; modules and heads learn at
    lr * new_lr_factor. warmup: share of all steps. amp: mixed precision, on a GPU only.
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
        "ImageNet weights, random ones, or those of another run.",
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
        "End after so many epochs without a lower validation loss, and keep the best epoch's "
        "weights; 0 trains to the end.",
        min=0,
        max=1000,
        step=1,
        unit="epochs",
    )

    def __post_init__(self) -> None:
        """Refuse what cannot train; MlError says what to change."""
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
            _check(known.name, getattr(self, known.name), known.metadata)

    def spec(self, num_classes: int) -> NetworkSpec:
        """The network to build for data with that many classes."""
        return NetworkSpec(self.mechanism, dict(self.parameters), tuple(self.stages), num_classes)


def _check(name: str, value: Any, metadata: Mapping[str, Any]) -> None:
    """MlError when a value is not among its field's choices, or outside its range."""
    choices = metadata.get("choices")
    if choices and isinstance(value, str) and value not in choices:
        raise MlError(f"{name} must be one of {', '.join(choices)}, not {value!r}.")
    low, high = metadata.get("min"), metadata.get("max")
    if (low is not None and not value >= low) or (high is not None and not value <= high):
        raise MlError(f"{name} goes from {low} to {high}, not {value}.")


def suited(start: str, optimiser: str | None = None) -> Mapping[str, Any]:
    """Fields that such starting weights want otherwise than the defaults have them."""
    if start != "scratch":
        return {}
    return SCRATCH_ADAMW if optimiser == "adamw" else SCRATCH


def kind_of(given: Mapping[str, Any]) -> type[TrainConfig]:
    """The record that such settings are of: with an `architecture` they are of a clip model."""
    if given.get("architecture", "image") == "image":
        return TrainConfig
    from ml.train.tasks.clips.config import ClipConfig

    return ClipConfig


def restored(values: Mapping[str, Any]) -> TrainConfig:
    """Build a configuration from what `dataclasses.asdict` made of one, and JSON of that."""
    return kind_of(values)(**{**values, "stages": tuple(values["stages"])})


def configure(mechanism: str, given: Mapping[str, Any]) -> TrainConfig:
    """Build a configuration: what is given, else what suits its starting weights, else defaults.

    With an `architecture` other than `image` it is one of clips. MlError for a field that does not
    exist or a value that cannot be.
    """
    kind = kind_of(given)
    given = {k: v for k, v in given.items() if (k, v) != ("architecture", "image")}
    known = {f.name for f in fields(kind)}
    unknown = sorted(set(given) - known)
    if unknown:
        raise MlError(f"Unknown setting {unknown[0]!r}. Known: {', '.join(sorted(known))}.")
    try:
        suits = suited(str(given.get("start")), given.get("optimiser"))
        return kind(**{**suits, **given, "mechanism": mechanism})
    except TypeError as error:  # text where a number belongs
        raise MlError(f"The settings do not fit: {error}.") from error
