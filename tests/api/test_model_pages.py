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
