"""The class that evidence is for: its forms, equal requests, and rows that do not know it."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from typing import Any

import pytest

from app.db import models as model_rows
from app.db.tables import Analysis, Heatmap, Prediction
from app.jobs.parameters import CHANGED, IMAGENET, PHOTO_READING, AnalysisRequest
from app.web.analyses.figures import blob_key
from tests.support.named_classes import CLASSES
from tests.support.web import Api, card

LOOK = {"models": None, "show": "both", "evidence_of": None}


@pytest.fixture
def named(api: Api) -> Api:
    """A server with a model of these classes, and one of others."""
    with api.web.sessions.begin() as session:
        own = card(0, "own", classes=list(CLASSES))
        model_rows.publish(session, [own, card(1, "other", classes=["church", "tench"])])
    return api


@pytest.mark.parametrize(
    ("forms", "kept"),
    [
        (["top", "top"], "top"),
        ([{"class": "top"}, {"class": "TOP"}, "TOP"], {"class": "top"}),
        (["2", {"class": "2"}], "2"),
        ([2, {"index": 2}, 2.0], 2),
        (["church", "CHURCH", {"class": "church"}], "church"),
    ],
)
def test_every_class_has_a_form_and_equal_requests_are_one(
    named: Api, forms: list[Any], kept: Any
) -> None:
    """What is kept can be asked again: it is in `request`, in the page and in the export."""
    media_id = named.upload()["id"]
    made = [named.analyse(media_id, target=form) for form in forms]
    assert {json.dumps(one["request"]["target"]) for one in made} == {json.dumps(kept)}
    assert len({one["id"] for one in made}) == 1
    others = [one for one in ("top", {"class": "top"}, "2", 2, "church") if one != kept]
    assert made[0]["id"] not in {named.analyse(media_id, target=one)["id"] for one in others}
    written = json.dumps({"target": kept}, separators=(",", ":"))[1:-1]
    assert written in named.client.get(made[0]["links"]["page"]).text
    named.finish(made[0]["id"])
    with _export(named, made[0]) as archive:
        request = json.loads(archive.read("request.json"))
        manifest = json.loads(archive.read("manifest.json"))
    assert request["target"] == manifest["request"]["target"] == kept
    again = named.client.post("/api/v1/analyses", json=request)
    assert (again.status_code, again.json()["id"]) == (200, made[0]["id"])


def _export(api: Api, analysis: Any, **look: Any) -> zipfile.ZipFile:
    response = api.client.get(analysis["links"]["export"], params=look)
    assert response.status_code == 200, response.text
    return zipfile.ZipFile(io.BytesIO(response.content))


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ({"class": "zebra"}, "own has no class 'zebra'"),
        ({"index": 5}, "own has the classes 0 to 4"),
        ({"class": ""}, "target"),
        ({"class": "top", "index": 4}, "target"),
        ({"index": True}, "target"),
        ({}, "target"),
    ],
)
def test_a_form_that_names_no_class_is_refused(named: Api, target: Any, words: str) -> None:
    body = {"media_id": named.upload()["id"], "target": target}
    response = named.client.post("/api/v1/analyses", json=body)
    assert response.status_code == 422
    assert words in response.json()["detail"]


def lacks(api: Api, analysis_id: str, model: str) -> None:
    """Make a model's stored result that of a model without the class."""
    with api.web.sessions.begin() as session:
        said = session.get_one(Prediction, (analysis_id, model))
        said.target_index = said.target_name = said.target_logit = said.target_probability = None
        for row in session.query(Heatmap).filter_by(analysis_id=analysis_id, model=model):
            if row.target is not None:
                session.delete(row)


@pytest.mark.parametrize("earlier", [False, True])
def test_a_model_without_the_class_has_no_evidence(named: Api, earlier: bool) -> None:
    asked = named.analyse(named.upload()["id"], target={"class": "top"})
    named.finish(asked["id"])
    with named.web.sessions.begin() as session:
        said = session.get_one(Prediction, (asked["id"], "own"))
        said.target_index, said.target_name = 4, "top"
    if not earlier:  # that explained its own first class instead: tench
        lacks(named, asked["id"], "other")
    body = named.client.get(asked["links"]["self"]).json()
    assert body["predictions"]["own"]["target"]["name"] == "top"
    assert (body["predictions"]["other"]["target"] is None) != earlier
    with _export(named, asked, drawn="true") as archive:
        drawn = {name for name in archive.namelist() if name.startswith("drawn/")}
    assert {name for name in drawn if "gradcam" in name and "-own-" in name}
    assert not {name for name in drawn if "gradcam" in name and "-other-" in name}
    assert {name for name in drawn if "attention" in name and "-other-" in name}


def test_a_figure_of_an_earlier_version_is_drawn_again(named: Api) -> None:
    """Where it showed another class; that of an analysis without such a row is kept."""
    media_id = named.upload()["id"]
    keys = {}
    for target in ("top", "tench"):
        asked = named.analyse(media_id, target=target, models=["own", "other"])
        named.finish(asked["id"])  # both are said to explain tench, which only one knows
        before = blob_key(named.web, asked["id"], LOOK, "svg")
        with named.web.sessions.begin() as session:
            said = session.get_one(Prediction, (asked["id"], "own"))
            said.target_index, said.target_name = 0, "0"
        keys[target] = (before, blob_key(named.web, asked["id"], LOOK, "svg"))
    assert keys["top"][0] == keys["top"][1]
    assert keys["tench"][0] != keys["tench"][1]


def test_what_is_stored_of_replaced_classes_answers_nobody(named: Api) -> None:
    """The fingerprint of named classes has changed; that of each model's own has not."""
    media_id = named.upload()["id"]
    for target, stays in (("top", True), ("tench", False)):
        asked = named.analyse(media_id, target=target)
        named.finish(asked["id"])
        with named.web.sessions.begin() as session:
            row = session.get_one(Analysis, asked["id"])
            row.fingerprint = _before(named, row)
        again = named.analyse(media_id, target=target)
        assert (again["id"] == asked["id"]) == stays


def _before(api: Api, row: Analysis) -> str:
    """The fingerprint that an earlier version gave this analysis."""
    request = AnalysisRequest.model_validate(row.request)
    with api.web.readers() as session:
        cards = model_rows.all_cards(session)
    versions = {one.id: (one.checkpoint_sha256, one.card.get("calibration")) for one in cards}
    question = request.model_dump(exclude={"media_id", "clip", "place"})
    question["models"] = [(model, versions[model]) for model in sorted(set(request.models))]
    question["imagenet"] = versions.get(IMAGENET)
    question["reading"] = PHOTO_READING
    question["changed"] = {m: CHANGED[m] for m in request.methods if m in CHANGED}
    question["methods"] = sorted(set(request.methods))
    question["photo"] = row.media.sha256
    return hashlib.sha256(json.dumps(question, sort_keys=True).encode()).hexdigest()
