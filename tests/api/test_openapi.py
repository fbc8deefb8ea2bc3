"""The checked-in OpenAPI document is the code's, and its examples are true."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from pydantic import BaseModel

from app.core.settings import Settings
from app.main import create_app
from app.web.analyses import schemas
from app.web.datasets import schemas as dataset_schemas
from app.web.http import examples
from app.web.http.openapi import DOCUMENT, allowed_methods, as_text
from app.web.http.schemas import Error
from app.web.media.schemas import Media
from app.web.models.schemas import Model

PROMISED = {
    "/api/v1/media": {"get", "post"},
    "/api/v1/media/{media_id}": {"get", "delete"},
    "/api/v1/media/{media_id}/content": {"get"},
    "/api/v1/media/{media_id}/view": {"get"},
    "/api/v1/media/{media_id}/playable": {"get"},
    "/api/v1/media/{media_id}/times": {"get"},
    "/api/v1/models": {"get"},
    "/api/v1/models/import": {"post"},
    "/api/v1/studies": {"get"},
    "/api/v1/studies/{study_id}": {"delete", "get"},
    "/api/v1/studies/{study_id}/events": {"get"},
    "/api/v1/training-form": {"get"},
    "/api/v1/training-runs": {"get", "post"},
    "/api/v1/training-runs/{run_id}": {"delete", "get"},
    "/api/v1/training-runs/{run_id}/cancel": {"post"},
    "/api/v1/training-runs/{run_id}/card": {"get"},
    "/api/v1/training-runs/{run_id}/checkpoint": {"get"},
    "/api/v1/training-runs/{run_id}/confusion": {"get"},
    "/api/v1/training-runs/{run_id}/confusion/images": {"get"},
    "/api/v1/training-runs/{run_id}/events": {"get"},
    "/api/v1/training-runs/{run_id}/log": {"get"},
    "/api/v1/training-runs/{run_id}/metrics": {"get"},
    "/api/v1/training-runs/{run_id}/metrics.csv": {"get"},
    "/api/v1/training-runs/{run_id}/move": {"post"},
    "/api/v1/training-runs/{run_id}/pause": {"post"},
    "/api/v1/training-runs/{run_id}/probes/{epoch}/{method}.npy": {"get"},
    "/api/v1/training-runs/{run_id}/publish": {"post"},
    "/api/v1/training-runs/{run_id}/resume": {"post"},
    "/api/v1/training-runs/{run_id}/unpublish": {"post"},
    "/api/v1/trials": {"post"},
    "/api/v1/trials/{trial_id}": {"get"},
    "/api/v1/models/{model_id}": {"get", "delete"},
    "/api/v1/analyses": {"post"},
    "/api/v1/analyses/{analysis_id}": {"get", "delete"},
    "/api/v1/analyses/{analysis_id}/heatmaps": {"get"},
    "/api/v1/analyses/{analysis_id}/events": {"get"},
    "/api/v1/analyses/{analysis_id}/cancel": {"post"},
    "/api/v1/analyses/{analysis_id}/figure.{file_format}": {"get"},
    "/api/v1/analyses/{analysis_id}/export.zip": {"get"},
    "/api/v1/analyses/{analysis_id}/overlay.{file_format}": {"get"},
    "/api/v1/analyses/{analysis_id}/tracks": {"get"},
    "/api/v1/analyses/{analysis_id}/tracks/{model_id}/{stream}/{stage}/{method}.npy": {"get"},
    "/api/v1/analyses/{analysis_id}/frames/{segment}.jpg": {"get"},
    "/api/v1/analyses/{analysis_id}/flow.npy": {"get"},
    "/api/v1/analyses/{analysis_id}/flow/{segment}.png": {"get"},
    "/api/v1/heatmaps/{heatmap_id}": {"get"},
    "/api/v1/heatmaps/{heatmap_id}.npy": {"get"},
    "/api/v1/heatmaps/{heatmap_id}.png": {"get"},
    "/api/v1/account": {"get"},
    "/api/v1/account/password": {"post"},
    "/api/v1/account/sessions": {"get", "delete"},
    "/api/v1/account/sessions/{session_id}": {"delete"},
    "/api/v1/account/tokens": {"get", "post"},
    "/api/v1/account/tokens/{token_id}": {"delete"},
    "/api/v1/audit": {"get"},
    "/api/v1/datasets": {"get", "post"},
    "/api/v1/datasets/from-folder": {"post"},
    "/api/v1/datasets/imagenette": {"post"},
    "/api/v1/datasets/folders": {"get"},
    "/api/v1/datasets/{dataset_id}": {"get", "delete"},
    "/api/v1/datasets/{dataset_id}/cancel": {"post"},
    "/api/v1/datasets/{dataset_id}/events": {"get"},
    "/api/v1/datasets/{dataset_id}/images/{split}/{index}": {"get"},
    "/healthz": {"get"},
    "/readyz": {"get"},
    "/metrics": {"get"},
}


def test_the_document_is_what_the_code_says(tmp_path: Path) -> None:
    text = as_text(create_app(Settings(home=tmp_path)))
    stale = "docs/openapi.json is stale: run `python tools/write_openapi.py` and look at the diff"
    assert DOCUMENT.read_text(encoding="utf-8") == text, stale


def test_the_promised_paths_are_there() -> None:
    paths = json.loads(DOCUMENT.read_text(encoding="utf-8"))["paths"]
    assert {path: set(operations) for path, operations in paths.items()} == PROMISED


@pytest.mark.parametrize(
    ("schema", "example"),
    [
        (Error, examples.ERROR),
        (Media, examples.MEDIA),
        (schemas.AnalysisCreate, examples.ANALYSIS_CREATE),
        (schemas.Analysis, examples.ANALYSIS),
        (schemas.Heatmap, examples.HEATMAP),
        (schemas.HeatmapWithValues, examples.HEATMAP_WITH_VALUES),
        (Model, examples.MODEL),
        (dataset_schemas.Dataset, dataset_schemas.EXAMPLE),
    ],
)
def test_examples_are_whole_and_valid(schema: type[BaseModel], example: dict[str, object]) -> None:
    body = schema.model_validate(example).model_dump(mode="json")
    assert body == example
    document = json.loads(DOCUMENT.read_text(encoding="utf-8"))
    component = document["components"]["schemas"].get(schema.__name__)
    if component is not None:  # one that no operation names is inside another
        assert component["examples"] == [example]


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
    assert allowed_methods(document, "/api/v1/media") == ["GET", "HEAD", "POST"]
    assert allowed_methods(document, "/api/v1/analyses/abc/cancel") == ["POST"]
    assert allowed_methods(document, "/anything") == ["GET", "HEAD"]
