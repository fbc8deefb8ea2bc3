"""Base classes and field types of all schemas."""

from __future__ import annotations

import unicodedata
from typing import Annotated, Any, Generic, Literal, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    Strict,
    StringConstraints,
)

from app.db.tables import Base
from app.web.http import examples

API = "/api/v1"
Item = TypeVar("Item")
Id = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]
Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.-]{1,64}$")]
State = Literal["queued", "running", "succeeded", "failed", "cancelled"]


Unit = Literal["share", "gate", "evidence", "rollout", "combined"]
UNIT = (
    "What the numbers are: `share` of a mask that sums to 1; `gate`, a factor of at most 1; "
    "`evidence` in the target's logit; `rollout`, the share of attention that reaches a place; "
    "`combined`, the mean of the stages' maps, each scaled to 0..1."
)


def _whole(value: Any) -> Any:
    """Return 224 for 224.0: in JSON they are the same number."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _printable(text: str) -> str:
    """Return a name; ValueError if it has characters that cannot be shown or stored."""
    if any(unicodedata.category(letter) in {"Cc", "Cs"} for letter in text):
        raise ValueError("no control characters")
    return text


Title = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=120),
    AfterValidator(_printable),
]
Whole = Annotated[int, BeforeValidator(_whole), Strict()]


def _is_none(value: Any) -> bool:
    return value is None


OfClip = Annotated[Item | None, Field(exclude_if=_is_none)]  # left out for photos


class RequestBody(BaseModel):
    """Base of the bodies of requests."""

    model_config = ConfigDict(extra="forbid")


class Answer(BaseModel):
    """Base of the bodies of responses."""

    model_config = ConfigDict(from_attributes=True)


def example(value: dict[str, Any]) -> ConfigDict:
    """Return a `model_config` with an example for the OpenAPI document."""
    return ConfigDict(json_schema_extra={"examples": [value]})


class Error(Answer):
    """Every error: a name for programs, and a sentence for people that says what to do."""

    model_config = example(examples.ERROR)

    error: str
    detail: str


class Page(Answer, Generic[Item]):
    """A part of a list; `next` is the `cursor` of the following part, null at the end."""

    items: list[Item]
    next: str | None = None


def columns(row: Base, schema: type[Answer]) -> dict[str, object]:
    """Return the columns of a row that the schema has a field for."""
    names = (column.key for column in row.__mapper__.column_attrs)
    return {name: getattr(row, name) for name in names if name in schema.model_fields}
