"""The whole way with a real worker: photo in, table, figure, ZIP, and the same again."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from pypdf import PdfReader

from tests.api.test_events import read_all
from tests.support.backend import photo, wait_for
from tests.support.web import Api

EXAMPLES = Path(__file__).resolve().parents[2] / "static" / "examples"
pytestmark = pytest.mark.xdist_group("live")


@pytest.fixture(scope="module")
def table(live: Api) -> Any:
    """A finished analysis by all default models."""
    body = live.analyse(live.upload(photo(7))["id"], input_size=96)
    last = json.loads(read_all(live, body["links"]["events"])[-1]["data"])
    assert (last["state"], last["detail"]) == ("succeeded", None)
    return last


def test_every_model_answers_and_every_map_is_there(live: Api, table: Any) -> None:
    assert list(table["predictions"]) == sorted(table["request"]["models"])
    items = live.client.get(table["links"]["heatmaps"]).json()["items"]
    cards = {card["id"]: card for card in live.client.get("/api/v1/models").json()["items"]}
    for model in table["request"]["models"]:
        own = {(item["method"], item["stage"]) for item in items if item["model"] == model}
        for method in set(table["request"]["methods"]) & set(cards[model]["methods"]):
            stages = {stage for name, stage in own if name == method}
            assert stages == {"early", "medium", "late", "combined"}, (model, method)
        assert table["provenance"]["checkpoints"][model] == cards[model]["checkpoint"]["sha256"]
    for item in items:
        values = np.load(io.BytesIO(live.client.get(item["links"]["npy"]).content))
        assert list(values.shape) == item["shape"]
        assert (float(values.min()), float(values.max())) == (item["min"], item["max"])
        assert live.client.get(item["links"]["png"], params={"size": 64}).status_code == 200


def test_imagenet_goes_first(live: Api, table: Any) -> None:
    assert table["request"]["models"] == [
        "plain-imagenet", "plain", "l2pa", "gated", "gated-grid", "residual", "cbam",
    ]  # fmt: skip
    church = live.client.post(
        "/api/v1/media", files={"file": EXAMPLES.joinpath("church.jpg").open("rb")}
    )
    body = live.analyse(church.json()["id"], models=["plain-imagenet"])
    last = json.loads(read_all(live, body["links"]["events"])[-1]["data"])
    assert last["predictions"]["plain-imagenet"]["top"][0]["name"] == "church"


def test_models_that_lack_a_class_explain_none(live: Api, table: Any) -> None:
    asked = {"models": ["plain-imagenet", "plain"], "input_size": 96}
    body = live.analyse(table["media_id"], target="golfcart", **asked)
    said = json.loads(read_all(live, body["links"]["events"])[-1]["data"])["predictions"]
    assert said["plain-imagenet"]["target"]["name"] == "golfcart"
    assert said["plain"]["target"] is None
    items = live.client.get(body["links"]["heatmaps"]).json()["items"]
    assert {one["target"] for one in items} == {"golfcart"}


def test_an_odd_clip_gets_an_answer_by_the_usual_rows(live: Api, data_dir: Path) -> None:
    """Of phone footage that is turned; ImageNet first, all of its classes, in a small JSON."""
    clip = (data_dir / "clips_odd" / "decord_video_90.mov").open("rb")
    media = live.client.post("/api/v1/media", files={"file": clip}).json()
    body = live.analyse(media["id"], segments=4)
    assert body["request"]["models"][:2] == ["imagenet-clip", "camera-motion"]
    last = json.loads(read_all(live, body["links"]["events"])[-1]["data"])
    assert (last["state"], last["detail"]) == ("succeeded", None)
    said = last["predictions"]["imagenet-clip"]
    scores = said["clip"]
    assert set(scores["streams"]) == set(scores["shares"]) == {"rgb"}
    added = sum(scores["shares"]["rgb"]) + scores["rest"]
    assert added == pytest.approx(said["target"]["logit"], rel=1e-4)
    logits = np.array(scores["streams"]["rgb"]["logits"])
    assert logits.shape == (4, 1000)
    assert int(logits.mean(0).argmax()) == said["top"][0]["index"]
    assert len(json.dumps(scores)) < 60_000
    tracks = live.client.get(last["links"]["tracks"], params={"limit": 100}).json()["items"]
    own = {(t["stage"], t["method"]) for t in tracks if t["model"] == "imagenet-clip"}
    assert own == {(s, "gradcam") for s in ("early", "medium", "late", "combined")}


def test_figures_for_a_paper(live: Api, table: Any) -> None:
    for name in ("figure_png", "figure_svg", "figure_pdf"):
        wait_for(lambda link=table["links"][name]: live.client.get(link).is_success, 240)
    png = live.client.get(table["links"]["figure_png"])
    assert png.headers["content-type"] == "image/png"
    assert min(Image.open(io.BytesIO(png.content)).size) > 300
    again = live.client.get(
        table["links"]["figure_png"], headers={"If-None-Match": png.headers["etag"]}
    )
    assert again.status_code == 304
    svg = live.client.get(table["links"]["figure_svg"])
    assert svg.headers["content-type"] == "image/svg+xml"
    assert "sandbox" in svg.headers["content-security-policy"]
    assert b"<svg" in svg.content
    pdf = live.client.get(table["links"]["figure_pdf"])
    assert len(PdfReader(io.BytesIO(pdf.content)).pages) == 1


def test_what_the_zip_asks_for_gives_the_same_numbers(live: Api, table: Any) -> None:
    """A photo sent as other bytes with the same pixels: nothing stored can answer for it."""
    before = maps_of(live, table)
    archive = zipfile.ZipFile(io.BytesIO(live.client.get(table["links"]["export"]).content))
    request = json.loads(archive.read("request.json"))
    [name] = [name for name in archive.namelist() if name.startswith("photo/")]
    media = live.upload(archive.read(name) + b"\0")
    options = {key: value for key, value in request.items() if key != "media_id"}
    body = live.analyse(media["id"], **options)
    assert not body["stored"]
    again = json.loads(read_all(live, body["links"]["events"])[-1]["data"])
    after = maps_of(live, again)
    assert before.keys() == after.keys()
    for key, values in before.items():
        np.testing.assert_array_equal(values, after[key], err_msg=key)


def maps_of(live: Api, analysis: Any) -> dict[str, Any]:
    content = live.client.get(analysis["links"]["export"], params={"format": "npz"}).content
    with np.load(io.BytesIO(content)) as maps:
        return dict(maps)
