"""A model's page says what it was judged and trained on."""

from __future__ import annotations

import pytest

from tests.support.web import Api


@pytest.mark.parametrize("kind", ["photos", "clips"])
def test_a_score_names_what_was_counted(api: Api, kind: str) -> None:
    counted = {"photos": "images", "clips": "clips"}[kind]
    api.publish("scored", metrics={"accuracy": 0.75, counted: 64})
    page = api.client.get("/models/scored", headers={"accept": "text/html"})
    assert page.status_code == 200
    assert f"64 validation {kind} right" in page.text


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


def test_what_is_to_be_read_first_stands_on_every_page(api: Api) -> None:
    """As of the fight models: how little they have seen."""
    note = "Learnt from 161 surveillance clips."
    api.publish("study", note=note, metrics={"accuracy": 0.664, "top5": 0.898, "images": 500})
    analysis = api.analyse(api.upload()["id"])
    for path in ("/models/study", "/models", analysis["links"]["page"]):
        assert note in api.client.get(path, headers={"accept": "text/html"}).text, path
    page = api.client.get("/models/study", headers={"accept": "text/html"}).text
    assert "89.80 % among the first five" in page
