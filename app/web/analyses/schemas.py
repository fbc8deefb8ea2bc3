"""The bodies of requests and answers about analyses and their maps. Field names are a promise."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from app.db.targets import TOP, ClassName, NamedClass, Target
from app.jobs.parameters import Fit, FlowMethod, Place
from app.web.http import examples
from app.web.http.schemas import UNIT, Answer, Id, Name, OfClip, State, Unit, Whole, example


class IndexedClass(BaseModel):
    """A class by its index in each model's own list."""

    model_config = ConfigDict(extra="forbid")

    index: Whole


class AnalysisCreate(BaseModel):
    """A request to explain a photo or a clip."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [examples.ANALYSIS_CREATE]}
    )

    media_id: Id
    models: list[Name] | None = Field(
        default=None, min_length=1, max_length=32, description="Ids; left out: the default table."
    )
    methods: list[Name] | None = Field(
        default=None,
        min_length=1,
        max_length=16,
        description="Left out: the learnt masks (`attention`) and Grad-CAM (`gradcam`).",
    )
    target: Whole | ClassName | NamedClass | IndexedClass = Field(
        default=TOP,
        description="`top`: each model's own first class; or a class index, or a class name. "
        '`{"class": NAME}` is a name whatever it is, also `top`; `{"index": N}` an index. '
        "A model without that class explains none.",
    )
    input_size: Whole = Field(
        default=224, ge=96, le=512, description="Shorter side of what the models see, in pixels."
    )
    fit: Fit | None = Field(
        default=None,
        description="What they see: all of it at its own proportions (`shape`), all of it squashed "
        "to a square (`squash`), or the square in its middle (`crop`, of a photo only); left out: "
        "`shape`.",
    )
    place: Place | None = Field(
        default=None,
        description="Of a photo: make it small, and put it anywhere on a square of another photo's "
        "shuffled tiles, which is then what the models see, whatever `fit` is; left out: the photo "
        "as it is.",
    )
    segments: OfClip[Whole] = Field(
        default=None, ge=1, le=32, description="Of a clip: how many moments are looked at; else 8."
    )
    from_s: OfClip[float] = Field(
        default=None,
        ge=0,
        allow_inf_nan=False,
        description="Of a clip: start of the range that is looked at, in seconds; else its start.",
    )
    to_s: OfClip[float] = Field(
        default=None,
        gt=0,
        allow_inf_nan=False,
        description="Of a clip: end of the range, in seconds; left out: the clip's end.",
    )
    flow: OfClip[FlowMethod] = Field(
        default=None, description="Of a clip: how motion is computed; left out: `dis`."
    )


class AnalysisRequest(Answer):
    """The request as it was carried out, every default filled in; the last four are a clip's.

    `place` is left out where the photo is seen as it is.
    """

    media_id: Id
    models: list[str]
    methods: list[str]
    target: Target
    input_size: int
    fit: Fit
    place: OfClip[Place] = None
    segments: OfClip[int] = None
    from_s: OfClip[float] = None
    to_s: OfClip[float] = None
    flow: OfClip[str] = None


class ClassScore(Answer):
    """A class, its calibrated probability, 0..1, and its logit, which is not calibrated."""

    index: int
    name: str
    probability: float
    logit: float | None = Field(default=None, description="None in results of earlier versions.")


class TargetScore(ClassScore):
    """The class that the evidence maps explain."""

    logit: float


class StreamScores(Answer):
    """What one stream says: logits by segment and class, and each segment's part in the mean."""

    weight: float
    logits: list[list[float]]
    consensus: list[float] = Field(description="Adds up to 1 over the segments.")


class ClipScores(Answer):
    """How a model came to its answer over time. Times are seconds from the clip's start.

    All `shares` and `rest` together are the target's logit; without a target there are none.
    """

    classes: list[str]
    times: list[float]
    bounds: list[list[float]] = Field(description="Start and end of each segment.")
    fusion: str
    streams: dict[str, StreamScores]
    shares: dict[str, list[float]] = Field(
        description="What each stream and segment adds to the target's logit."
    )
    rest: float = Field(description="What cannot be shared out: 0 for a linear fusion.")
    temperature: float = Field(
        default=1.0, description="Logits are divided by it before the softmax."
    )


class Prediction(Answer):
    """What one model says: its five best classes, the explained one, and the time it took.

    A model that has abstained knows nothing of the kind, whatever its best class is.
    """

    abstained: bool
    in_domain: float | None = Field(
        ge=0,
        le=1,
        description="How likely the photo or clip is of the model's kind; below 0.5 it abstains. "
        "None if the model has no rule, or the 1000-class network that the rule asks is missing.",
    )
    top: list[ClassScore]
    target: TargetScore | None = Field(
        description="None if the model does not know the class asked for: it has no evidence then."
    )
    seconds: float
    clip: OfClip[ClipScores] = Field(default=None, description="Of a clip: scores over time.")


class Problem(Answer):
    """Why a model has no row: the error's name, and a sentence."""

    error: str
    detail: str


class AnalysisLinks(Answer):
    """Where the analysis' parts are; `page` is for people."""

    self: str
    heatmaps: str
    events: str
    media: str
    view: str
    page: str
    figure_png: str
    figure_svg: str
    figure_pdf: str
    export: str
    tracks: OfClip[str] = Field(default=None, description="Of a clip: its maps over time.")
    flow: OfClip[str] = Field(default=None, description="Of a clip: its motion, as an array.")


class Analysis(Answer):
    """An analysis: how far it is and what the models say."""

    model_config = ConfigDict(json_schema_extra={"examples": [examples.ANALYSIS]})

    id: Id
    media_id: Id
    state: State
    progress: float = Field(ge=0, le=1)
    message: str | None
    revision: int = Field(description="Grows with every visible change.")
    error: str | None
    detail: str | None
    stored: bool = Field(description="True where an earlier result answered the request.")
    request: AnalysisRequest
    predictions: dict[str, Prediction]
    problems: dict[str, Problem] = Field(
        default={}, description="By model: why it has no answer. The other models' answers stand."
    )
    provenance: dict[str, Any] | None = Field(
        description="Checkpoint hashes, versions, device, preprocessing, seconds."
    )
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    links: AnalysisLinks


class FirstAnswer(Answer):
    """What the first model of a request says: its most probable class."""

    model: str
    name: str
    probability: float
    abstained: bool = Field(description="True if this is none of what the model knows.")


class ListedLinks(Answer):
    """Where a listed analysis and its picture are; `page` is for people."""

    self: str
    view: str
    page: str


class ListedAnalysis(Answer):
    """An analysis as a list shows it."""

    model_config = example(examples.LISTED_ANALYSIS)

    id: Id
    media_id: Id
    kind: Literal["image", "clip"]
    filename: str
    state: State
    progress: float = Field(ge=0, le=1)
    answer: FirstAnswer | None = Field(description="Null until the first model has answered.")
    created_at: datetime
    links: ListedLinks


class Effect(Answer):
    """What the answer would be with another mask in this one's place."""

    probability_change: float = Field(
        description="Of the target class, calibrated: -0.31 is 31 points less."
    )
    answer_changed: bool = Field(description="Whether another class would be the likeliest.")


class Evidence(Answer):
    """Whether a learnt mask matters to the answer; of `combined`, the masks of all stages."""

    target: str = Field(description="The class whose probability changes.")
    if_even: Effect = Field(description="The mask's mean everywhere.")
    if_blob: Effect = Field(description="A centred blob of the mask's mean and deviation.")


class HeatmapLinks(Answer):
    """The map as a record, as an array and as a picture."""

    self: str
    npy: str
    png: str


class Heatmap(Answer):
    """One map at its own grid. `min`, `max` and `sum` are of the raw values."""

    model_config = ConfigDict(json_schema_extra={"examples": [examples.HEATMAP]})

    id: Id
    analysis_id: Id
    model: str
    stage: str
    method: str
    unit: Unit = Field(description=UNIT)
    stream: Literal["rgb", "flow"]
    time_s: float | None = Field(description="Of a clip: the moment, in seconds from its start.")
    frame: int = Field(description="Of a clip: the map's place in its track; -1 for a photo.")
    layer: str
    shape: list[int]
    min: float
    max: float
    sum: float
    entropy: float | None = Field(
        description="Bits, of the positive part scaled to sum 1; none where nothing is positive."
    )
    target: str | None
    evidence: Evidence | None = Field(
        default=None, description="Of a photo's learnt masks; none for other maps."
    )
    links: HeatmapLinks


class HeatmapWithValues(Heatmap):
    """The record with the map's values, nested row by row (channel by channel first)."""

    model_config = ConfigDict(json_schema_extra={"examples": [examples.HEATMAP_WITH_VALUES]})

    values: list[Any] | None = Field(default=None, description="Only with `values=true`.")


class Track(Answer):
    """The maps of one kind over the snippets of a clip: `times` are seconds from its start."""

    model: str
    stream: Literal["rgb", "flow"]
    stage: str
    method: str
    unit: Unit = Field(description=UNIT)
    layer: str
    target: str | None
    shape: list[int] = Field(description="[times, h, w]")
    times: list[float]
    min: float
    max: float
    heatmaps: list[Id] = Field(description="The maps, one a time.")
    npy: str = Field(description="Where the array is.")
