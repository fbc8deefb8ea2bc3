"""Responses that clients cache: ETag, Cache-Control and 304."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import Response

IMMUTABLE = "max-age=31536000, immutable"
REVALIDATE = "no-cache"
PRIVATE_IMMUTABLE = f"private, {IMMUTABLE}"
BY_VIEWER = {"Vary": "Cookie, Authorization"}  # where the owner gets another answer than others


def matches(request: Request, etag: str) -> bool:
    """Return True if `If-None-Match` names the ETag (weak comparison, RFC 9110 section 13.1.2)."""
    header = request.headers.get("if-none-match")
    if header is None:
        return False
    tags = [tag.strip().removeprefix("W/") for tag in header.split(",")]
    return "*" in tags or f'"{etag}"' in tags


def reply(
    request: Request,
    content: bytes,
    media_type: str,
    *,
    etag: str,
    headers: Mapping[str, str],
) -> Response:
    """Return the content with its ETag, or 304 if the client has it."""
    tagged = {**headers, "ETag": f'"{etag}"'}
    if matches(request, etag):
        tagged.pop("Content-Encoding", None)
        return Response(status_code=304, headers=tagged)
    return Response(content, media_type=media_type, headers=tagged)
