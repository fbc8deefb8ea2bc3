"""The checked-in OpenAPI document is the code's, and its examples are true."""

from __future__ import annotations

import json
from pathlib import Path

from app.core.settings import Settings
from app.main import create_app
from app.web.http.openapi import DOCUMENT, allowed_methods, as_text, schemas_by_name
from app.web.http.schemas import Answer


def test_the_document_is_what_the_code_says(tmp_path: Path) -> None:
    text = as_text(create_app(Settings(home=tmp_path)))
    stale = "docs/openapi.json is stale: run `python tools/write_openapi.py` and look at the diff"
    assert DOCUMENT.read_text(encoding="utf-8") == text, stale


def test_examples_are_whole_and_valid() -> None:
    """Every example is what a server sends, null included, or a request that it takes."""
    components = json.loads(DOCUMENT.read_text(encoding="utf-8"))["components"]["schemas"]
    examples = {name: part["examples"] for name, part in components.items() if "examples" in part}
    assert len(examples) > 20
    for name, (example,) in examples.items():
        schema = schemas_by_name()[name]
        body = schema.model_validate(example)
        is_whole = issubclass(schema, Answer)
        assert body.model_dump(mode="json", exclude_unset=not is_whole) == example, name


def test_every_operation_is_described_and_its_errors_have_one_shape() -> None:
    document = json.loads(DOCUMENT.read_text(encoding="utf-8"))
    for path, operations in document["paths"].items():
        for operation in operations.values():
            assert operation["summary"], path
            assert operation["description"], path
            for status, answer in operation["responses"].items():
                if status[0] in "45" and path.startswith("/api/"):
                    schema = answer["content"]["application/json"]["schema"]
                    assert schema == {"$ref": "#/components/schemas/Error"}, (path, status)


def test_allowed_methods_of_an_address() -> None:
    document = json.loads(DOCUMENT.read_text(encoding="utf-8"))
    assert allowed_methods(document, "/api/v1/media") == ["DELETE", "GET", "HEAD", "POST"]
    assert allowed_methods(document, "/api/v1/analyses/abc/cancel") == ["POST"]
    assert allowed_methods(document, "/anything") == ["GET", "HEAD"]
