"""Types of what the JSON columns hold. Rows of earlier versions may lack the optional keys.

They are written by workers, and describe only what `app` itself reads: a card or a configuration
has more keys. Columns without a type here are passed on as they came.
"""

from __future__ import annotations

from typing import Any, Literal, NotRequired, TypedDict


class CheckpointFile(TypedDict):
    """The file of a model's weights."""

    sha256: str
    bytes: int


class CardSource(TypedDict):
    """Where a model that is not shipped comes from."""

    kind: Literal["run", "import"]
    imported_at: NotRequired[str]
    published_at: NotRequired[str]
    run_id: NotRequired[str]
    study_id: NotRequired[str]
    study: NotRequired[str]  # name
    dataset_id: NotRequired[str]
    dataset: NotRequired[str]  # name
    seed: NotRequired[int]


class Card(TypedDict):
    """A model's card; `app.web.models.schemas.Model` is the public one, with all keys."""

    id: str
    position: int
    title: str
    mechanism: str
    classes: list[str]
    methods: list[str]
    curves: list[dict[str, float]]
    checkpoint: CheckpointFile
    calibration: NotRequired[dict[str, Any] | None]  # app.web.models.schemas.Calibration
    metrics: NotRequired[dict[str, Any]]
    head: NotRequired[str]
    note: NotRequired[str | None]  # a sentence to read before its answers
    default: NotRequired[bool]  # among the models of an analysis that names none
    default_chosen: NotRequired[bool]  # `default` was set by an admin
    media: NotRequired[Literal["image", "clip"]]  # of models before clips: image
    source: NotRequired[CardSource]
    withdrawn: NotRequired[bool]
    private_to: NotRequired[str]  # user id of the importer, until it is published


class RunConfig(TypedDict):
    """A whole `ml.train.config.TrainConfig`."""

    mechanism: str
    seed: int
    epochs: int
    parameters: dict[str, Any]  # of the mechanism


class Mistake(TypedDict):
    """A validation image that got a wrong class; `true` is its own."""

    index: int
    true: int
    predicted: int
    confidence: float


class Maps(TypedDict):
    """The maps of one method: blob `key`, float16 [images, cells], the stages side by side."""

    stages: dict[str, list[int]]  # [h, w]
    key: str
    unit: NotRequired[str]


class RunSummary(TypedDict):
    """The result of a run that succeeded; accuracy and loss are of the checkpoint's weights."""

    val_accuracy: float | None
    val_loss: float | None
    best_epoch: int | None
    seconds: float
    card: Card
    stopped_early: NotRequired[bool]
    worst: NotRequired[list[Mistake]]
    worst_maps: NotRequired[dict[str, Maps]]  # by method


class EpochValues(TypedDict):
    """Means over an epoch's steps, and over the whole validation split after it."""

    train_loss: float
    train_accuracy: float
    val_loss: float
    val_accuracy: float
    lr: float
    seconds: float


class TrialRequest(TypedDict):
    """What a trial measures."""

    dataset_id: str
    config: RunConfig
    start_run: str | None


class Field(TypedDict):
    """A field of the launch form."""

    name: str
    type: Literal["bool", "choice", "int", "float"]
    group: str
    default: Any
    choices: NotRequired[list[Any]]
    min: NotRequired[float | None]
    max: NotRequired[float | None]


class Mechanism(TypedDict):
    """A mechanism of the launch form; `recipe` has the settings of its shipped photo model."""

    name: str
    title: str
    position: int
    parameters: list[Field]
    recipe: NotRequired[dict[str, Any]]


class ClipForm(TypedDict):
    """What the launch form has more for clips: fields, and recipes by mechanism."""

    fields: list[Field]
    recipes: dict[str, dict[str, Any]]


class LaunchForm(TypedDict):
    """What workers can train, and how; see `ml.train.form`."""

    fields: list[Field]
    mechanisms: list[Mechanism]
    stages: list[str]
    scratch: dict[str, Any]  # settings that random weights need
    scratch_adamw: dict[str, Any]
    clips: NotRequired[ClipForm]
    automatic_batch: NotRequired[dict[str, int]]  # by kind of dataset: what batch size 0 chooses


class ClassScore(TypedDict):
    """A class, its calibrated probability, 0..1, and its raw logit."""

    index: int
    name: str
    probability: float
    logit: NotRequired[float]


class StreamScores(TypedDict):
    """One stream of a clip: logits [T][C], and each step's part in the mean [T]."""

    weight: float
    logits: list[list[float]]
    consensus: list[float]


class ClipScores(TypedDict):
    """How a model came to its answer over time; see `ml.explain.results.ClipScores`."""

    classes: list[str]
    times: list[float]
    bounds: list[list[float]]
    fusion: str
    streams: dict[str, StreamScores]
    shares: dict[str, list[float]]
    rest: float
    temperature: NotRequired[float]  # of the probabilities


class Effect(TypedDict):
    """What another mask does to an answer; see `ml.explain.effects.Effect`."""

    probability_change: float
    answer_changed: bool


class Evidence(TypedDict):
    """Whether a map matters to the probability of a class."""

    target: str
    if_even: Effect
    if_blob: Effect


class Problem(TypedDict):
    """Why a model has no row in an analysis: the error's name, and a sentence."""

    error: str
    detail: str


class Provenance(TypedDict):
    """How a result came about; see `worker.analysis.provenance`."""

    photo_sha256: NotRequired[str]
    clip_sha256: NotRequired[str]
    imagenet_sha256: NotRequired[str | None]  # of the 1000-class network; None if there is none
    request: dict[str, Any]
    checkpoints: dict[str, str]  # model -> SHA-256
    calibration: NotRequired[dict[str, dict[str, Any]]]  # model -> as in its card
    preprocessing: dict[str, Any]
    combined: str
    device: str
    threads: int
    seed: int | None
    versions: dict[str, str]
    seconds: float
