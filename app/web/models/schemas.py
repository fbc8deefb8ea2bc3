"""Schemas of models. Their field names are part of the API."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, ConfigDict, Field

from app.core.shares import completed
from app.web.http import examples
from app.web.http.schemas import Answer, RequestBody, Title, example


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
    equation: str | None = None
    paper: dict[str, Any] | None = None
    parameters: dict[str, Any] = Field(default_factory=dict)
    stages: list[dict[str, Any]] = Field(default_factory=list)
    classes: list[str] = Field(default_factory=list)
    input_size: int | None = None
    methods: list[str] = Field(default_factory=list)
    head: str | None = None
    default: bool = True
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


class PublishImport(RequestBody):
    """The title under which everybody sees an imported model."""

    model_config = example({"title": "CBAM, flowers, 27 Nov 2026"})

    title: Title | None = Field(default=None, description="Left out: the one that it has.")
