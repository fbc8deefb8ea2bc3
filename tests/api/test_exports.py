"""The ZIP holds everything, and says how to make it again."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from typing import Any

import numpy as np

from tests.support.backend import photo
from tests.support.web import Api, values_of

Maps = dict[tuple[str, str, str], Any]


def test_everything_is_in_the_zip(api: Api, analysis: Any, heatmaps: Maps) -> None:
    response = api.client.get(analysis["links"]["export"])
    assert response.headers["content-type"] == "application/zip"
    assert f"sightline-{analysis['id'][:8]}.zip" in response.headers["content-disposition"]
    archive = zipfile.ZipFile(io.BytesIO(response.content))
    assert archive.testzip() is None
    with np.load(io.BytesIO(archive.read("maps.npz"))) as maps:
        assert set(maps) == {"/".join(key) for key in heatmaps}
        for _, stage, method in heatmaps:
            np.testing.assert_array_equal(maps[f"gated/{stage}/{method}"], values_of(stage, method))
    lines = list(csv.DictReader(io.StringIO(archive.read("numbers.csv").decode())))
    assert len(lines) == len(heatmaps)
    for line in lines:
        record = heatmaps[line["model"], line["stage"], line["method"]]
        assert float(line["max"]) == record["max"]
        assert line["shape"] == "x".join(map(str, record["shape"]))
    manifest = json.loads(archive.read("manifest.json"))
    assert manifest["provenance"] == analysis["provenance"]
    assert archive.read(manifest["photo"]["file"]) == photo()
    assert json.loads(archive.read("predictions.json")) == analysis["predictions"]
    assert manifest["photo"]["file"] in archive.read("README.txt").decode()


def test_its_request_asks_for_the_same_again(api: Api, analysis: Any) -> None:
    archive = zipfile.ZipFile(io.BytesIO(api.client.get(analysis["links"]["export"]).content))
    request = json.loads(archive.read("request.json"))
    response = api.client.post("/api/v1/analyses", json=request)
    assert (response.status_code, response.json()["id"]) == (200, analysis["id"])


def test_the_maps_alone(api: Api, analysis: Any, heatmaps: Maps) -> None:
    response = api.client.get(analysis["links"]["export"], params={"format": "npz"})
    assert response.headers["content-disposition"].endswith('.npz"')
    with np.load(io.BytesIO(response.content)) as maps:
        assert len(maps.files) == len(heatmaps)
    assert api.client.get(f"{analysis['links']['export']}?format=tar").status_code == 422


def test_nothing_is_exported_before_the_end(api: Api) -> None:
    body = api.analyse(api.upload()["id"])
    for link in ("export", "figure_png", "figure_pdf"):
        response = api.client.get(body["links"][link])
        assert (response.status_code, response.json()["error"]) == (409, "conflict")
        assert "queued" in response.json()["detail"]
    unknown = f"/api/v1/analyses/{'0' * 32}"
    for path in ("/export.zip", "/figure.png"):
        assert api.client.get(unknown + path).status_code == 404
    assert api.client.get(f"{body['links']['self']}/figure.gif").status_code == 404
