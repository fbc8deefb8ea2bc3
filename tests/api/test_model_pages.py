"""A model's page says what it was judged and trained on."""

from __future__ import annotations

import pytest

from app.web.http.examples import MODEL
from tests.support.web import Api


@pytest.mark.parametrize("kind", ["photos", "clips"])
def test_a_score_names_what_was_counted(api: Api, kind: str) -> None:
    counted = {"photos": "images", "clips": "clips"}[kind]
    api.publish("scored", metrics={"accuracy": 0.75, counted: 64})
    page = api.client.get("/models/scored", headers={"accept": "text/html"})
    assert page.status_code == 200
    assert "48 of 64 (63 to 84 %)" in page.text
    assert f"validation {kind} right" in page.text
    metrics = api.client.get("/api/v1/models/scored").json()["metrics"]
    assert metrics["interval"] == [0.6318, 0.8399]


@pytest.mark.parametrize(
    ("head", "training", "words"),
    [
        ("imagenette", {}, "(Imagenette)"),
        ("trained", {"data": "pets"}, "(pets)"),
        ("trained", {}, "(own data)"),
    ],
)
def test_a_head_names_its_own_data(
    api: Api, head: str, training: dict[str, str], words: str
) -> None:
    api.publish("headed", head=head, training=training)
    page = api.client.get("/models/headed", headers={"accept": "text/html"})
    assert f"3 classes {words}" in page.text


@pytest.mark.parametrize(
    ("domain", "words"),
    [
        (None, "never: when it should is not known"),
        ({"abstains_outside": None}, "when it is not sure: imagenet_mass + energy below 0.54"),
        ({}, "from 88 % of 200 pictures of other things, 5 % of its own (AUROC 0.979)"),
    ],
)
def test_when_a_model_abstains_is_said(
    api: Api, domain: dict[str, None] | None, words: str
) -> None:
    record = MODEL["calibration"]
    known = None if domain is None else {**record["domain"], **domain}
    api.publish("honest", calibration={**record, "domain": known})
    page = api.client.get("/models/honest", headers={"accept": "text/html"})
    assert words in page.text
    assert "calibration error 13.0 % without, 1.1 % with it, on 2000 of imagenette160" in page.text
    api.publish("plain", calibration=None)
    assert "<dt>Abstains" not in api.client.get("/models/plain").text


def test_what_is_to_be_read_first_stands_on_every_page(api: Api) -> None:
    """As of the fight models: how little they have seen."""
    note = "Learnt from 161 surveillance clips."
    api.publish("study", note=note, metrics={"accuracy": 0.664, "top5": 0.898, "images": 500})
    analysis = api.analyse(api.upload()["id"])
    for path in ("/models/study", "/models", analysis["links"]["page"]):
        assert note in api.client.get(path, headers={"accept": "text/html"}).text, path
    page = api.client.get("/models/study", headers={"accept": "text/html"}).text
    assert "among the first five 449 of 500 (87 to 92 %)" in page
