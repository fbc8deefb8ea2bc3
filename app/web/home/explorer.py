"""Swagger UI, the explorer of the API: its files come with the package `fastapi-offline`."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import fastapi_offline

from app.web.http.static import Static

PREFIX = "/api/explorer"


@cache
def swagger_ui() -> Static:
    """Return the files, which are read when the first page asks for them."""
    return Static(Path(fastapi_offline.__file__).parent / "static")


def url(name: str) -> str:
    """Return the address of `swagger-ui-bundle.js` or `swagger-ui.css`, with a hash in it."""
    return f"{PREFIX}/{swagger_ui().digest}/{name}"
