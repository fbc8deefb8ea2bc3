"""Parameters and OpenAPI parts that endpoints share: ids, cursors, errors, forms."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import Path, Query

from app.web.http.schemas import Error

MEANINGS = {
    400: "The request or the file in it cannot be read.",
    401: "Nobody is signed in, or the token is unknown, expired or revoked.",
    403: "It belongs to another visitor, a scope is missing, or another site sent the request.",
    404: "It does not exist, or was deleted.",
    408: "The body does not arrive in time.",
    409: "Its state does not allow this.",
    413: "The file is over a limit.",
    415: "The file is not a photo or a clip that can be read.",
    416: "The file has no such part; Content-Range says how long it is.",
    422: "A parameter is missing or wrong.",
    429: "Too many of these in a minute; see Retry-After.",
    503: "Not possible now; see Retry-After.",
    507: "The server's disk is full, or you keep as much as you may.",
}
Responses = dict[int | str, dict[str, Any]]

PathId = Annotated[str, Path(pattern=r"^[0-9a-f]{32}$", description="32 hex digits.")]
Limit = Annotated[int, Query(ge=1, le=100, description="Most items in a part of the list.")]
Cursor = Annotated[
    str | None,
    Query(max_length=200, description="`next` of the part before; none: the first."),
]


def errors(*statuses: int) -> Responses:
    """Return the OpenAPI responses of these statuses and of 422."""
    return {
        status: {"model": Error, "description": MEANINGS[status]} for status in {*statuses, 422}
    }


def errors_of_stream(*statuses: int) -> Responses:
    """Return the same for an endpoint whose response is a stream; its errors are JSON."""
    content = {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}
    return {
        status: {"description": MEANINGS[status], "content": content} for status in {*statuses, 422}
    }


def binary(media_type: str, description: str) -> dict[str, Any]:
    """Return the OpenAPI response of bytes."""
    schema = {"type": "string", "format": "binary"}
    return {"description": description, "content": {media_type: {"schema": schema}}}


def multipart(required: Sequence[str], **properties: dict[str, Any]) -> dict[str, Any]:
    """Return the OpenAPI request body of a form that the endpoint reads itself."""
    schema = {"type": "object", "required": list(required), "properties": properties}
    body = {"required": True, "content": {"multipart/form-data": {"schema": schema}}}
    return {"requestBody": body}


def a_file(description: str | None = None) -> dict[str, Any]:
    """Return the schema of a file in a form."""
    schema = {"type": "string", "format": "binary"}
    return schema if description is None else schema | {"description": description}
