"""The OpenAPI document as a page's context: no script from another origin is needed to read it."""

from __future__ import annotations

import json
from typing import Any

Json = dict[str, Any]
CURL = """\
id=$(curl -s -F file=@photo.jpg $SERVER/api/v1/media | jq -r .id)
analysis=$(curl -s --json "{\\"media_id\\": \\"$id\\"}" $SERVER/api/v1/analyses | jq -r .links.self)
curl -sN $SERVER$analysis/events                      # until it has ended
curl -s $SERVER$analysis/heatmaps | jq '.items[0]'    # every map: range, sum, entropy, links
curl -s $SERVER$analysis/export.zip -o maps.zip"""


def context(document: Json) -> Json:
    """Return what `api.html.jinja` shows; see `app.web.home.pages`."""
    groups: dict[str, list[Json]] = {}
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            tag = operation.get("tags", ["other"])[0]
            groups.setdefault(tag, []).append(_operation(document, method, path, operation))
    return {
        "title": document["info"]["title"],
        "summary": document["info"].get("description", ""),
        "curl": CURL,
        "groups": [{"name": name, "operations": found} for name, found in groups.items()],
    }


def _operation(document: Json, method: str, path: str, operation: Json) -> Json:
    answers = [code for code in operation["responses"] if code.startswith("2")]
    answer = operation["responses"][answers[0]] if answers else {}
    return {
        "method": method.upper(),
        "path": path,
        "summary": operation.get("summary", ""),
        "description": operation.get("description", ""),
        "parameters": [_parameter(entry) for entry in operation.get("parameters", [])],
        "body": _example(document, operation.get("requestBody", {})),
        "answer": _example(document, answer),
        "status": answers[0] if answers else "",
    }


def _parameter(entry: Json) -> Json:
    schema = entry.get("schema", {})
    return {
        "name": entry["name"],
        "where": entry["in"],
        "required": entry.get("required", False),
        "description": entry.get("description", schema.get("description", "")),
        "type": _type(schema),
    }


def _type(schema: Json) -> str:
    """Return a schema in a few words: `integer 32..2048 = 448`."""
    if "anyOf" in schema:
        inner = [part for part in schema["anyOf"] if part.get("type") != "null"]
        return _type({**inner[0], **{k: v for k, v in schema.items() if k == "default"}})
    words = [" | ".join(schema["enum"]) if "enum" in schema else schema.get("type", "")]
    low, high = schema.get("minimum"), schema.get("maximum")
    if low is not None and high is not None:
        words.append(f"{low}..{high}")
    if schema.get("default") is not None:
        words.append(f"= {json.dumps(schema['default'])}")
    return " ".join(words)


def _example(document: Json, part: Json) -> str | None:
    """Return the JSON example of a body or an answer, or None where it is bytes."""
    schema = part.get("content", {}).get("application/json", {}).get("schema")
    if schema is None:
        return None
    example = _of_schema(document, schema)
    return None if example is None else json.dumps(example, indent=2, ensure_ascii=False)


def _of_schema(document: Json, schema: Json) -> Any:
    if "$ref" in schema:
        return _of_schema(document, _resolve(document, schema["$ref"]))
    if "examples" in schema:
        return schema["examples"][0]
    items = schema.get("properties", {}).get("items", {}).get("items")
    if items is not None:
        return {"items": [_of_schema(document, items)], "next": None}
    return None


def _resolve(document: Json, reference: str) -> Json:
    found: Any = document
    for name in reference.removeprefix("#/").split("/"):
        found = found[name]
    assert isinstance(found, dict)
    return found
