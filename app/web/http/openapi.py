"""The OpenAPI document.

`python tools/write_openapi.py` writes it to `docs/openapi.json`; a test compares that file with
the code, so every change of the API shows in the diff.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

DOCUMENT = Path(__file__).resolve().parents[3] / "docs" / "openapi.json"
SCHEMAS = re.compile(r"app\.web\.\w+\.schemas")
VERSION = "1"  # of the API, not of Sightline: it changes when a promise is broken
DESCRIPTION = (
    "What image classifiers look at: learnt attention masks beside Grad-CAM maps. Upload a photo, "
    "ask for an analysis, follow it, fetch its maps as numbers or pictures. Errors are "
    '`{"error": name, "detail": what to do}`. A cookie names the visitor: lists show only the '
    "visitor's own, a link shows one thing to anybody, and only its owner may stop or delete it. "
    "Data and training need a sign-in: `Authorization: Bearer` with an API token, or a session's "
    "cookie. A token works everywhere; one with the scope `analyse` owns what it makes."
)


def install_openapi(app: FastAPI) -> None:
    """Make the application serve this document."""

    def build() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = get_openapi(
                title=app.title,
                version=VERSION,
                description=app.description,
                routes=app.routes,
            )
            _restore_examples(app.openapi_schema)
        return app.openapi_schema

    app.openapi = build  # type: ignore[method-assign]


def schemas_by_name() -> dict[str, Any]:
    """Return what the `schemas` modules define, by name."""
    modules = [module for name, module in sys.modules.items() if SCHEMAS.fullmatch(name)]
    return {name: value for module in modules for name, value in vars(module).items()}


def _restore_examples(document: dict[str, Any]) -> None:
    """Write the examples as they are: FastAPI removes the keys that are null."""
    schemas = schemas_by_name()
    for name, component in document["components"]["schemas"].items():
        extra = getattr(schemas.get(name), "model_config", {}).get("json_schema_extra")
        if extra is not None:
            component["examples"] = extra["examples"]


def allowed_methods(document: dict[str, Any], path: str) -> list[str]:
    """Return the methods of an address; GET for those outside the document: pages and files."""
    methods = {method.upper() for method in document["paths"].get(path, ())}
    for template, operations in document["paths"].items():
        pattern = re.sub(r"\\{[^}]*\\}", "[^/]+", re.escape(template))
        if path not in document["paths"] and re.fullmatch(pattern, path):
            methods |= {method.upper() for method in operations}
    methods = methods or {"GET"}
    return sorted(methods | ({"HEAD"} if "GET" in methods else set()))


def as_text(app: FastAPI) -> str:
    """Return the document as in `docs/openapi.json`."""
    return json.dumps(app.openapi(), indent=1, ensure_ascii=False) + "\n"
