"""The parameters of every kind of job: the contract between the web and the workers."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

from app.datasets.importing.encodings import Encoding
from app.db.targets import TOP, NamedClass
from app.storage import keys

INFERENCE = "inference"
TRAINING = "training"
PREPARATION = "preparation"  # imports, cost estimates, range tests: short, and not for visitors

FigureFormat = Literal["png", "svg", "pdf"]
FilmFormat = Literal["mp4", "webm"]
FlowMethod = Literal["dis", "farneback", "tvl1"]
Stream = Literal["rgb", "flow"]
Stage = Literal["early", "medium", "late", "combined"]
Show = Literal["both", "mask", "cam"]
Scale = Literal["map", "row", "shared", "absolute"]
Fit = Literal["shape", "squash", "crop"]  # as `ml.media.fit`
Channel = Annotated[str, Field(pattern=r"^(mean|max|l2|[0-9]{1,4})$")]  # of a mask with several
Index = Annotated[int, Field(strict=True, ge=0)]  # of a class
Identifier = Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]
Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")]


class Parameters(BaseModel):
    """Base: frozen, without unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")


KINDS: dict[str, type[JobParameters]] = {}


class JobParameters(Parameters):
    """Parameters of one kind of job; a subclass names its kind and its queue.

    Batch jobs let the others of their queue go first.
    """

    kind: ClassVar[str]
    queue: ClassVar[str]
    batch: ClassVar[bool]

    def __init_subclass__(cls, *, kind: str, queue: str, batch: bool = False, **more: Any) -> None:
        """Add the class to `KINDS`."""
        super().__init_subclass__(**more)
        cls.kind, cls.queue, cls.batch = kind, queue, batch
        KINDS[kind] = cls


class ClipOptions(Parameters):
    """Which part of a clip is sampled: `segments` snippets of a range, in seconds."""

    segments: int = Field(default=8, ge=1, le=32)
    from_s: float | None = Field(default=None, ge=0)  # None: from the start
    to_s: float | None = Field(default=None, gt=0)  # None: to the end
    flow: FlowMethod = "dis"


class Place(Parameters):
    """A photo made small, on a square of another photo's shuffled tiles; as `ml.media.place`."""

    share: float = Field(
        strict=True, ge=0.1, le=1, description="Of the square's side that its longer side has."
    )
    x: float = Field(
        strict=True, ge=0, le=1, description="In the free width: 0 at the left, 1 at the right."
    )
    y: float = Field(
        strict=True, ge=0, le=1, description="In the free height: 0 at the top, 1 at the bottom."
    )

    @property
    def numbers(self) -> tuple[float, float, float]:
        """Share, x and y."""
        return self.share, self.x, self.y


IMAGENET = "plain-imagenet"  # id of the 1000-class network
SNIPPET = 11  # frames: ten flow fields between them


class AnalysisRequest(Parameters):
    """A photo or a clip, the models that look at it, and what is asked of them."""

    media_id: Identifier
    models: list[Name] = Field(min_length=1, max_length=32)
    methods: list[Name] = Field(min_length=1, max_length=16)
    target: (
        Annotated[int, Field(strict=True, ge=0)]
        | Annotated[str, Field(max_length=128)]
        | NamedClass
    ) = TOP
    input_size: int = Field(default=224, ge=96, le=512)
    fit: Fit = "squash"  # as it was before there was a choice
    place: Place | None = None  # of a photo; None: as it is
    clip: ClipOptions | None = None  # None for a photo


class AnalyseImageJob(JobParameters, kind="analyse_image", queue=INFERENCE):
    """Fill the analysis of a photo."""

    analysis_id: Identifier


class AnalyseClipJob(AnalyseImageJob, kind="analyse_clip", queue=INFERENCE):
    """Fill the analysis of a clip."""


class Look(Parameters):
    """How maps are drawn: `signed` if the colours diverge, `models` in order or None for all."""

    colormap: str = Field(default="viridis", max_length=32)
    signed: bool = False
    alpha: float = Field(default=0.55, ge=0, le=1)
    scale: Scale = "map"
    smooth: bool = True
    threshold: float = Field(default=0.0, ge=0, le=1)
    grey: bool = False
    models: list[Name] | None = Field(default=None, min_length=1, max_length=32)


class DrawFigureJob(Look, JobParameters, kind="draw_figure", queue=INFERENCE, batch=True):
    """Draw an analysis's table into the blob `key`.

    Of a clip it is a contact sheet: the maps of one stage and method over its snippets. Evidence
    is that of `evidence_of`, an analysis of the same medium, where that has some.
    """

    analysis_id: Identifier
    format: FigureFormat
    stage: Stage = "combined"
    method: Name = "gradcam"
    show: Show = "both"
    evidence_of: Identifier | None = None
    channel: Channel = "mean"
    key: str = Field(max_length=128)


class DrawClipJob(Look, JobParameters, kind="draw_clip", queue=INFERENCE, batch=True):
    """Draw one track of maps over its clip, as a film, into the blob `key`."""

    analysis_id: Identifier
    format: FilmFormat
    model: Name
    stream: Stream
    stage: Stage
    method: Name
    raw: bool = False
    key: str = Field(max_length=128)


class MakePlayableJob(JobParameters, kind="make_playable", queue=PREPARATION, batch=True):
    """Make the copy of this clip that browsers play."""

    media_id: Identifier


class TrainJob(JobParameters, kind="train", queue=TRAINING):
    """Carry this run on from where it is."""

    run_id: Identifier


class TrialJob(JobParameters, kind="trial", queue=PREPARATION):
    """Fill the trial of this identifier."""

    trial_id: Identifier


class CheckModelJob(JobParameters, kind="check_model", queue=PREPARATION):
    """Load an imported checkpoint, and offer it if it loads."""

    model_id: Name
    title: str = Field(max_length=120)
    user_id: str = Field(default="", max_length=32)  # who may see it before it is published


class FolderDecision(Parameters):
    """What a folder of a dataset, with those below, is used for, and its class.

    None keeps what was understood.
    """

    folder: str = Field(max_length=1024)
    use: Literal["train", "val", "divide", "left_out"] | None = None
    class_name: Annotated[str, Field(min_length=1, max_length=120)] | None = None


class PlanDecisions(Parameters):
    """What a person decided of an import; `conflicts` are right classes by hash of content."""

    folders: list[FolderDecision] = Field(default=[], max_length=10_000)
    conflicts: dict[str, str] = {}


class ImportDatasetJob(JobParameters, kind="import_dataset", queue=PREPARATION):
    """Fill the dataset of this identifier.

    With `review` the job pauses once everything is read, until it has `decisions`.
    """

    dataset_id: Identifier
    source: Literal["archive", "folder", "imagenette"]
    folder: str | None = Field(default=None, max_length=1024)  # under the allowed root
    size: Literal["160px", "320px", "full"] | None = None  # of Imagenette
    seed: int = Field(default=0, ge=0, le=2**31 - 1)
    val_share: float = Field(default=0.2, gt=0, lt=1)
    review: bool = False
    encoding: Encoding | None = None  # of an archive's names; None detects it
    decisions: PlanDecisions | None = None


# Counted up when photos, or clips, are read to other pixels or times than those of stored answers.
PHOTO_READING, CLIP_READING = 1, 2
# Methods of which stored answers have other maps, or less to say of them: how often that happened.
CHANGED = {"gradcampp": 1, "attention": 1}


def fingerprint(sha256: str, request: AnalysisRequest, versions: Mapping[str, Any]) -> str:
    """Return a hash that two analyses share if and only if one answers the other.

    Args:
        sha256: The photo's or clip's.
        request: What is asked.
        versions: Each model's checkpoint hash and calibration. A photo's answer also depends on
            the 1000-class network, which other models ask whether they know the photo at all.
    """
    question: dict[str, Any] = request.model_dump(exclude={"media_id"})
    if request.clip is None:
        del question["clip"]  # as it was before there were clips
    if request.place is None:
        del question["place"]  # as it was before photos were made small
    question["models"] = [(model, versions[model]) for model in sorted(set(request.models))]
    if request.clip is None:
        question["imagenet"] = versions.get(IMAGENET)
        question["reading"] = PHOTO_READING
    else:
        question["reading"] = CLIP_READING
    question["methods"] = sorted(set(request.methods))
    if changed := {name: CHANGED[name] for name in request.methods if name in CHANGED}:
        question["changed"] = changed
    if request.target != TOP:
        question["targets"] = 1  # models that lack the class explained their own first before
    question["photo"] = sha256
    return hashlib.sha256(json.dumps(question, sort_keys=True).encode()).hexdigest()


def flow_key(media_id: str, request: AnalysisRequest) -> str:
    """Return the blob that keeps a clip's flow: it serves every analysis with the same snippets."""
    clip = request.clip or ClipOptions()
    facts = {**clip.model_dump(), "size": request.input_size, "frames": SNIPPET}
    facts["reading"] = CLIP_READING
    if request.fit != "squash":
        facts["fit"] = request.fit
    digest = hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()
    return keys.clip_flow(media_id, digest[:16])
