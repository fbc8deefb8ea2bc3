"""Schemas of models. Their field names are part of the API."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, ConfigDict, Field

from app.core.shares import completed
from app.web.http import examples
from app.web.http.schemas import Answer, RequestBody, Title, example


class Domain(Answer):
    """When a model abstains: `score`s below `threshold`, by a rule of `ml.calibration.domain`.

    `in_domain` is 1 / (1 + exp((threshold - score) / scale)). The other figures are None where
    the threshold was not chosen on images of other things.
    """

    rule: str
    threshold: float
    scale: float
    auroc: float | None = None
    auroc_interval: list[float] | None = Field(default=None, description="95 %.")
    abstains_inside: float | None = Field(default=None, description="Share of its own images.")
    abstains_outside: float | None = Field(default=None, description="Share of the others.")
    others: int
    others_data: str


class Calibration(Answer):
    """What makes probabilities honest, from `count` images or clips that were not trained on."""

    temperature: float = Field(description="Logits are divided by it before the softmax.")
    ece_before: float = Field(description="Expected calibration error without it, 0..1.")
    ece_after: float = Field(description="With it, cross-fitted on halves.")
    count: int
    data: str
    seed: int
    domain: Domain | None = Field(description="None: the model never abstains.")


class Model(Answer):
    """A model's card, as the worker published it."""

    model_config = ConfigDict(extra="allow", json_schema_extra={"examples": [examples.MODEL]})

    id: str
    position: int
    title: str
    mechanism: str | None = None
    mask_range: str | None = Field(
        default=None, description="`unit`: 0..1; `distribution`: sums to 1; `none`: no mask."
    )
    summary: str | None = None
    note: str | None = Field(default=None, description="To be read before its answers.")
    equation: str | None = None
    paper: dict[str, Any] | None = None
    parameters: dict[str, Any] = Field(default_factory=dict)
    stages: list[dict[str, Any]] = Field(default_factory=list)
    classes: list[str] = Field(default_factory=list)
    input_size: int | None = None
    methods: list[str] = Field(default_factory=list)
    head: str | None = None
    default: bool = Field(
        default=True, description="Whether it is among the models of an analysis that names none."
    )
    metrics: Annotated[dict[str, Any], AfterValidator(completed)] = Field(
        default_factory=dict,
        description="On the validation split: `accuracy`, its 95 % `interval`, and how many "
        "`images` or `clips` were judged.",
    )
    curves: list[dict[str, Any]] = Field(default_factory=list, description="One entry an epoch.")
    localisation: list[dict[str, Any]] = Field(
        default_factory=list, description="How often a map's maximum is inside the object's box."
    )
    training: dict[str, Any] = Field(default_factory=dict)
    private_to: str | None = Field(
        default=None,
        exclude_if=lambda user: user is None,
        description="Only with an import that is not published: the user who sees it, with admins.",
    )
    weights_origin: str | None = None
    licence: str | None = None
    checkpoint: dict[str, Any] = Field(default_factory=dict)
    calibration: Calibration | None = Field(
        default=None, description="None: probabilities are the softmax's own."
    )


class ModelDefault(RequestBody):
    """Whether a model is among those of an analysis that names none."""

    model_config = example({"default": True})

    default: bool


class PublishImport(RequestBody):
    """The title under which everybody sees an imported model."""

    model_config = example({"title": "CBAM, flowers, 27 Nov 2026"})

    title: Title | None = Field(default=None, description="Left out: the one that it has.")
