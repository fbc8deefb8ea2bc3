"""Ten-class rows abstain from a picture that shows none of the ten, and name what they know."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from app.db import analyses as rows
from app.db.tables import Prediction
from ml.catalogue import IMAGENET_ID
from tests.support.backend import Server
from tests.support.encoding import encode

CHURCH = Path(__file__).resolve().parents[2] / "static/examples/church.jpg"


def answers(server: Server, data: bytes, models: list[str] | None = None) -> dict[str, Prediction]:
    analysis_id = server.ask(server.add_photo(data), models, methods=["gradcam"], size=224)
    assert server.wait(analysis_id).state == "succeeded"
    with server.readers() as session:
        return {row.model: row for row in rows.predictions(session, analysis_id)}


def test_only_what_a_row_knows_is_answered(local_server: Server, data_dir: Path) -> None:
    assert (data_dir / "weights").is_dir()
    zebra = (data_dir / "photos/n02391049_zebra.jpg").read_bytes()
    church, strange = (answers(local_server, data) for data in (CHURCH.read_bytes(), zebra))
    for name, said in church.items():
        assert said.top[0]["name"] == "church"
        assert not said.abstained, name
        assert said.in_domain is not None
        assert said.in_domain > 0.5
        logits = [entry["logit"] for entry in said.top]
        assert logits == sorted(logits, reverse=True)
        assert said.target_logit == logits[0]
    assert strange.pop(IMAGENET_ID).top[0]["name"] == "zebra"
    assert {name for name, said in strange.items() if said.abstained} == set(strange)
    assert max(said.in_domain or 0 for said in strange.values()) < 0.5


def test_a_row_abstains_from_noise_without_the_1000_class_row(local_server: Server) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (240, 320, 3), np.uint8)
    [said] = answers(local_server, encode(noise), ["cbam"]).values()
    assert said.abstained


@pytest.mark.parametrize("name", ["plain", "gated"])
def test_a_calibration_is_in_the_provenance(local_server: Server, name: str) -> None:
    media_id = local_server.add_photo(CHURCH.read_bytes())
    analysis_id = local_server.ask(media_id, [name])
    local_server.wait(analysis_id)
    with local_server.readers() as session:
        analysis = rows.get(session, analysis_id)
    assert analysis is not None
    assert analysis.provenance is not None
    assert 0.1 < analysis.provenance["calibration"][name]["temperature"] < 1
