"""The JSON of an imported model. Unknown keys are dropped, because pages show the rest."""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    StringConstraints,
    Tag,
    TypeAdapter,
    ValidationError,
)
from typing_extensions import TypedDict

from app.core.errors import Unprocessable

Text = Annotated[str, StringConstraints(max_length=2000)]
Word = Annotated[str, StringConstraints(min_length=1, max_length=128)]
Mechanism = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]{0,31}$")]
Number = Annotated[float, Field(allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0, le=1)]
Scalar = bool | int | Number | Text | None | list[Word]


class _Part(BaseModel):
    model_config = ConfigDict(extra="ignore")


class Hash(_Part):
    """Hash and size of the checkpoint that the card belongs to."""

    sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
    bytes: int | None = None


class Metrics(TypedDict, total=False):
    """Results on the validation photos or clips; what was not measured is missing."""

    accuracy: Number
    top5: Number
    loss: Number
    images: int
    clips: int
    segments: int
    majority: Number
    interval: Annotated[list[Number], Field(min_length=2, max_length=2)]
    streams: Annotated[dict[Word, dict[Word, Number | list[Number]]], Field(max_length=2)]


class Training(_Part):
    """How the model was trained."""

    data: Text | None = None
    train_images: int | None = None
    train_clips: int | None = None
    seed: int | None = None
    seconds: Number | None = None
    device: Word | None = None
    threads: int | None = None
    versions: dict[Word, Word] = Field(default_factory=dict, max_length=32)
    recipe: dict[Word, Scalar] = Field(default_factory=dict, max_length=64)


class Domain(_Part):
    """When the model abstains; see `ml.calibration.record.Domain`."""

    rule: Literal["max_logit", "energy", "max_softmax", "imagenet_mass", "imagenet_mass + energy"]
    threshold: Number
    scale: Annotated[Number, Field(ge=1e-6, le=1e6)]
    auroc: Share | None = None
    auroc_interval: tuple[Share, Share] | None = None
    abstains_inside: Share | None = None
    abstains_outside: Share | None = None
    others: int = Field(default=0, ge=0)
    others_data: Text = ""


class Calibration(_Part):
    """The temperature of the model's probabilities; see `ml.calibration.record.Calibration`."""

    temperature: Annotated[Number, Field(ge=0.01, le=100)]
    ece_before: Share
    ece_after: Share
    count: int = Field(ge=1)
    data: Text
    seed: int
    domain: Domain | None = None


class PhotoCard(_Part):
    """The JSON beside the checkpoint of a model of photos."""

    kind: Literal["image"] = "image"
    mechanism: Mechanism
    parameters: dict[Word, Scalar] = Field(max_length=64)
    stages: list[Literal["early", "medium", "late"]] = Field(min_length=1, max_length=3)
    backbone: Literal["mobilenet_v2"]
    classes: list[Word] = Field(min_length=2, max_length=10_000)
    input_size: int = Field(default=224, ge=32, le=512)
    metrics: Metrics = Field(default_factory=Metrics)
    curves: list[dict[Word, Number]] = Field(default_factory=list, max_length=5000)
    training: Training = Field(default_factory=Training)
    weights_origin: Text | None = None
    licence: Text | None = None
    calibration: Calibration | None = None
    checkpoint: Hash


class ClipCard(PhotoCard):
    """The JSON of a model of clips, with what is needed to build its network."""

    kind: Literal["clip"]  # type: ignore[assignment]
    architecture: Mechanism
    flow_length: int = Field(default=10, ge=1, le=32)
    fusion: Word = "logits"
    weights: tuple[Number, Number] = (1.0, 1.5)
    consensus: Word = "mean"
    consensus_parameters: dict[Word, Scalar] = Field(default_factory=dict, max_length=64)
    class_index: dict[Literal["rgb", "flow"], list[int] | None] | None = None
    flow_mechanism: Mechanism | None = None
    flow_parameters: dict[Word, Scalar] | None = Field(default=None, max_length=64)


def _kind(card: Any) -> str:
    return "clip" if isinstance(card, dict) and card.get("kind") == "clip" else "image"


CARD: TypeAdapter[PhotoCard | ClipCard] = TypeAdapter(
    Annotated[
        Annotated[PhotoCard, Tag("image")] | Annotated[ClipCard, Tag("clip")], Discriminator(_kind)
    ]
)


def read(data: bytes) -> PhotoCard | ClipCard:
    """Return the card; Unprocessable says which part is wrong."""
    try:
        card = CARD.validate_python(json.loads(data))
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"][1:])) or "the card"  # the first is the kind
        raise Unprocessable(f"card: {place}: {first['msg']}.") from None
    except (ValueError, RecursionError):
        raise Unprocessable("card: this is not JSON.") from None
    if len(set(card.classes)) != len(card.classes):
        raise Unprocessable("card: two classes have the same name.")
    return card
