"""The ZIP holds everything, and says how to make it again."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from typing import Any

import numpy as np
import pytest
from PIL import Image
from sqlalchemy import update

from app.db import analyses as rows
from app.db.tables import Heatmap, new_id
from app.web.analyses.drawing.colormaps import tables
from tests.support.backend import photo
from tests.support.web import STAGES, Api, npy, values_of

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


def test_its_pictures_are_as_the_page_shows_them(api: Api) -> None:
    body = api.analyse(api.upload()["id"])
    api.finish(body["id"])
    look = {"colormap": "vik", "smooth": "false", "alpha": "1", "models": "gated,plain"}
    answer = api.client.get(body["links"]["export"], params=look | {"drawn": "true", "show": "cam"})
    archive = zipfile.ZipFile(io.BytesIO(answer.content))
    drawn = [name for name in archive.namelist() if name.startswith("drawn/")]
    assert {name.split("-")[-1] for name in drawn} == {"gradcam.png"}
    assert [name[6:13] for name in drawn[:1] + drawn[-1:]] == ["1-gated", "2-plain"]
    said = json.loads(archive.read("manifest.json"))["drawn"]
    assert (said["signed"], said["smooth"], said["models"]) == (True, False, ["gated", "plain"])
    values = values_of("late", "gradcam")
    picture = Image.open(io.BytesIO(archive.read("drawn/1-gated-late-gradcam.png")))
    pixels = np.asarray(picture.resize(values.shape[::-1], Image.Resampling.NEAREST)).astype(int)
    blue, red = (np.array(list(tables()["vik"].rgb[at : at + 3])) for at in (0, 765))
    at = np.unravel_index(np.abs(values).argmax(), values.shape)
    wanted = red if values[at] > 0 else blue
    assert np.abs(pixels[at] - wanted).max() <= 8
    missing = api.client.get(body["links"]["export"], params={"drawn": "true", "models": "cbam"})
    assert (missing.status_code, "no cbam" in missing.json()["detail"]) == (422, True)


def test_a_class_named_like_a_formula_is_text_in_the_table(api: Api, analysis: Any) -> None:
    formula = '=HYPERLINK("http://evil.example","church")'
    with api.web.sessions.begin() as session:
        session.execute(update(Heatmap).where(Heatmap.target.is_not(None)).values(target=formula))
    response = api.client.get(analysis["links"]["export"])
    text = zipfile.ZipFile(io.BytesIO(response.content)).read("numbers.csv").decode()
    lines = list(csv.DictReader(io.StringIO(text)))
    assert {line["target"] for line in lines} == {"", f"'{formula}"}
    assert any(float(line["min"]) < 0 for line in lines)  # numbers are still numbers


@pytest.mark.parametrize(
    ("channel", "places"),
    [("mean", {}), ("max", {"early": (0, 1), "late": (1, 0)}), ("1", {"late": (1, 0)})],
)
def test_its_masks_are_of_the_channel_on_show(
    api: Api, channel: str, places: dict[str, tuple[int, int]]
) -> None:
    """Early has one channel, late two; a stage without the channel has no picture."""
    body = api.analyse(api.upload()["id"])
    api.finish(body["id"])
    stacks = {"early": np.zeros((1, 2, 2)), "late": np.zeros((2, 2, 2))}
    stacks["early"][0, 0, 1], stacks["late"][0, 0, 0], stacks["late"][1, 1, 0] = 0.5, 0.2, 0.9
    with api.web.sessions.begin() as session:
        for stage, values in stacks.items():
            key = f"maps/{body['id']}/gated-{stage}-attention-channels.npy"
            api.web.blobs.put(key, npy(values.astype(np.float16)))
            choice = rows.Choice(model="gated", stage=stage, method="attention")
            [like] = rows.heatmaps(session, body["id"], choice)
            copied = {c.key: getattr(like, c.key) for c in like.__table__.columns}
            changes = {"id": new_id(), "method": "attention-channels", "blob_key": key}
            session.add(Heatmap(**copied | changes | {"shape": list(values.shape)}))
    look = {"models": "gated", "show": "mask", "drawn": "true", "colormap": "cividis"}
    asked = look | {"channel": channel, "alpha": "1", "smooth": "false", "scale": "row"}
    answer = api.client.get(body["links"]["export"], params=asked)
    archive = zipfile.ZipFile(io.BytesIO(answer.content))
    drawn = {n.split("-")[-2] for n in archive.namelist() if n.startswith("drawn/")}
    assert drawn == {"mean": set(STAGES), "max": {*places, "combined"}, "1": {"late"}}[channel]
    for stage, (y, x) in places.items():
        picture = Image.open(io.BytesIO(archive.read(f"drawn/1-gated-{stage}-attention.png")))
        pixels = np.asarray(picture.resize((2, 2), Image.Resampling.NEAREST)).astype(int)
        colours = np.frombuffer(tables()["cividis"].rgb, np.uint8).reshape(256, 3)
        highest = np.abs(pixels - colours[round(255 * stacks[stage].max() / 0.9)]).sum(-1)
        if channel == "max":  # one scale over the row
            assert np.unravel_index(highest.argmin(), (2, 2)) == (y, x)
            assert highest.min() <= 6
    assert json.loads(archive.read("manifest.json"))["drawn"]["channel"] == channel


def test_a_figure_takes_evidence_of_the_same_photo_only(api: Api) -> None:
    first = api.analyse(api.upload()["id"])
    other = api.analyse(api.upload(photo(1))["id"])
    api.finish(first["id"])
    for wrong in ({"evidence_of": other["id"]}, {"models": "cbam"}, {"threshold": 2}):
        assert api.client.get(first["links"]["figure_png"], params=wrong).status_code == 422


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
