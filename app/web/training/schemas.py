"""Schemas of training. Their field names are part of the API."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints

from app.web.http.schemas import (
    UNIT,
    Answer,
    Id,
    Name,
    RequestBody,
    Title,
    Unit,
    Whole,
    example,
)
from app.web.training import examples

State = Literal["queued", "running", "paused", "succeeded", "failed", "cancelled"]


Seed = Annotated[Whole, Field(ge=0, le=2**31 - 1)]
Values = dict[str, Any]


class _Launch(RequestBody):
    """Fields that a study and a trial have in common."""

    dataset_id: Id
    config: Values = Field(
        default_factory=dict,
        description="Fields of `GET /training-form` that differ from their defaults; `stages` too.",
    )
    start_run: Id | None = Field(
        default=None, description="A run that succeeded, whose weights are the initial ones."
    )


class StudyCreate(_Launch):
    """Runs to compare: one for each mechanism and seed, on the same data."""

    model_config = example(examples.STUDY_CREATE)

    name: Title | None = None
    mechanisms: list[Name] | None = Field(
        default=None, min_length=1, max_length=32, description="Left out: all of them."
    )
    seeds: list[Seed] = Field(default=[0], min_length=1, max_length=16)
    parameters: dict[Name, Values] = Field(
        default_factory=dict, description="By mechanism: those of its own parameters that differ."
    )
    probes: list[Annotated[Whole, Field(ge=0)]] | None = Field(
        default=None,
        max_length=64,
        description="Validation images (by index) explained after every epoch; left out: one "
        "for each class.",
    )


class TrialCreate(_Launch):
    """A measurement before a launch."""

    model_config = example(examples.TRIAL_CREATE)

    kind: Literal["cost", "range"] = Field(
        description="`cost`: steps, seconds, disk; `range`: the loss over rising learning rates."
    )
    mechanism: Name
    parameters: Values = Field(default_factory=dict, description="The mechanism's own parameters.")


class Trial(Answer):
    """A trial, its progress and its result."""

    model_config = example(examples.TRIAL)

    id: Id
    kind: Literal["cost", "range"]
    state: State
    progress: float
    result: Values | None = Field(
        description="`cost`: steps, seconds, seconds_per_step, images_per_s, disk_bytes, "
        "batch_size. `range`: curve [{lr, loss}] so far, and at the end the suggestion "
        "(or a note why there is none)."
    )
    error: str | None
    detail: str | None
    links: dict[str, str]


class DatasetRef(Answer):
    """A study's dataset."""

    id: Id
    name: str
    val_images: int = Field(description="Images or clips that accuracy is measured on.")


class RunStatus(Answer):
    """A run's rate, time left and machine; null if not known yet."""

    images_per_s: float | None = None
    seconds_left: float | None = None
    lr: float | None = None
    device: str | None = None
    cpu_percent: float | None = Field(default=None, description="Of one core; 200 is two cores.")
    memory_bytes: int | None = None
    gpu_memory_bytes: int | None = None


class RunSummary(Answer):
    """The result of a run that succeeded; accuracy and loss are of the checkpoint's weights."""

    val_accuracy: float | None
    val_loss: float | None
    images: int | None = Field(description="Images or clips that were judged.")
    interval: list[float] | None = Field(description="95 % interval of `val_accuracy` (Wilson).")
    best_epoch: int | None
    seconds: float
    stopped_early: bool = False


class Mistake(Answer):
    """A wrong prediction on a validation image; `true` is its label."""

    index: int
    true: int
    predicted: int
    confidence: float = Field(description="Its probability, at the model's temperature.")


class Maps(Answer):
    """Maps of one method; a row of the NPY has the cells of all stages, one after the other."""

    stages: dict[str, list[int]] = Field(description="[height, width] by stage, in order.")
    unit: Unit | None = Field(description=f"{UNIT} Null in runs that are older than this field.")


class Run(Answer):
    """The training of one network."""

    model_config = example(examples.RUN)

    id: Id
    study_id: Id
    mechanism: str
    title: str
    seed: int
    position: int = Field(description="Row order in the study.")
    state: State
    progress: float = Field(ge=0, le=1)
    message: str | None
    error: str | None
    detail: str | None
    traceback: str | None
    step: int
    steps: int = Field(description="0 until the worker knows.")
    epoch: int = Field(description="Number of epochs that have ended.")
    epochs: int
    config: Values
    status: RunStatus
    summary: RunSummary | None
    worst: list[Mistake] | None
    worst_maps: dict[str, Maps] | None = None
    model_id: str | None = Field(description="The model as which it is published.")
    attempts: int
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    links: dict[str, str]


class Study(Answer):
    """Runs to compare."""

    model_config = example(examples.STUDY)

    id: Id
    name: str
    dataset: DatasetRef
    request: Values = Field(description="The body of the request that launched it.")
    probes: list[int]
    created_at: datetime
    created_by: str
    revision: int = Field(description="Grows with every visible change of its runs.")
    cursor: str = Field(
        description="`after` of the events, to receive only what is newer than this response."
    )
    runs: list[Run]
    links: dict[str, str]


class Points(Answer):
    """Steps as columns; all lists have the same length."""

    step: list[int]
    loss: list[float | None]
    accuracy: list[float | None]
    lr: list[float | None]
    images_per_s: list[float | None]


class Epoch(Answer):
    """One epoch: means over its steps, and results on the validation split after it."""

    epoch: int
    step: int
    train_loss: float | None
    train_accuracy: float | None
    val_loss: float | None
    val_accuracy: float | None
    lr: float | None
    seconds: float | None
    probes: dict[str, Maps]


class Metrics(Answer):
    """The curves of a run so far."""

    model_config = example(examples.METRICS)

    run_id: Id
    points: Points
    epochs: list[Epoch]
    last_step: int


class Note(Answer):
    """A line of a run's log."""

    id: int
    at: datetime
    text: str


class Move(RequestBody):
    """The new place of a waiting run in the queue."""

    model_config = example({"before": None})

    before: Id | None = Field(description="The waiting run that comes next; null: the end.")


class Publish(RequestBody):
    """Id and title of a run in the table of models."""

    model_config = example({"model_id": "l2pa-2"})

    model_id: Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")] | None = (
        Field(default=None, description="Left out: a free one, like `l2pa-2`.")
    )
    title: Title | None = None


class ClassAccuracy(Answer):
    """Accuracy on the validation images of one class."""

    name: str
    images: int
    accuracy: float | None


class Confusion(Answer):
    """Validation images after an epoch, counted in matrix[true][predicted]."""

    model_config = example(examples.CONFUSION)

    epoch: int
    classes: list[str]
    matrix: list[list[int]]
    per_class: list[ClassAccuracy]
    worst: list[Mistake] = Field(description="Wrong predictions, the most confident first.")


class EpochAnswers(Answer):
    """What a run answered to the probe images after an epoch, in the order of the probes."""

    epoch: int
    predicted: list[int] = Field(description="Class by index.")
    confidence: list[float] = Field(description="Its probability, not calibrated.")


class CellImage(Answer):
    """A validation image in one cell of the confusion matrix."""

    index: int
    confidence: float = Field(description="Of the predicted class; not calibrated.")
    href: str
