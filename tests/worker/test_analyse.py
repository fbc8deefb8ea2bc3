"""An analysis from the row to the last map, in both queue modes."""

from __future__ import annotations

import io

import numpy as np

from app.db import analyses as rows
from app.jobs.parameters import AnalysisRequest
from ml.catalogue import entries, find, load
from ml.explain.explain import explain
from ml.media.photo import load_rgb, made_small
from ml.media.place import Place
from ml.networks.video.types import Sampled
from tests.support.backend import Server, photo


def test_an_analysis_fills_every_cell(server: Server) -> None:
    analysis_id = server.ask(server.add_photo(photo()))
    job = server.wait(analysis_id)
    assert (job.state, job.error, job.progress, job.attempts) == ("succeeded", None, 1.0, 1)
    with server.readers() as session:
        analysis = rows.get(session, analysis_id)
        maps = rows.heatmaps(session, analysis_id)
        said = rows.predictions(session, analysis_id)
    assert analysis is not None
    models = analysis.request["models"]
    assert len(models) >= 6
    assert {row.model for row in said} == set(models)
    grad_cam = {(row.model, row.stage) for row in maps if row.method == "gradcam"}
    assert grad_cam == {(m, s) for m in models for s in ("early", "medium", "late", "combined")}
    for row in maps:
        values = np.load(io.BytesIO(server.blobs.get(row.blob_key)))
        assert list(values.shape) == row.shape
        assert (float(values.min()), float(values.max())) == (row.min, row.max)
    targets = {one.model: one.target_name for one in said}
    for row in maps:
        assert (row.evidence is not None) == (row.method == "attention")
        if row.evidence:
            assert row.evidence["target"] == targets[row.model]
            for effect in (row.evidence["if_even"], row.evidence["if_blob"]):
                assert -1 <= effect["probability_change"] <= 1
    changes = [abs(r.evidence["if_even"]["probability_change"]) for r in maps if r.evidence]
    assert max(changes) > 0.01
    for one in said:
        assert len(one.top) == 5
        assert one.top[0]["index"] == one.target_index
        assert one.top == sorted(one.top, key=lambda entry: -entry["probability"])
    assert analysis.provenance is not None
    assert set(analysis.provenance["checkpoints"]) == set(models)
    seen = "whole picture at its own proportions, 128 x 96,"
    assert analysis.provenance["preprocessing"]["resize"].startswith(seen)
    assert {tuple(row.shape) for row in maps if row.stage == "late"} >= {(3, 4)}
    assert {tuple(row.shape) for row in maps if row.stage == "combined"} == {(96, 128)}
    assert server.stray_blobs() == []


def test_a_photo_made_small_is_what_the_models_see(local_server: Server) -> None:
    """The maps are of the square; the record says how it was made."""
    media_id = local_server.add_photo(photo())
    asked = {"media_id": media_id, "models": ["plain"], "methods": ["gradcam"], "input_size": 96}
    place = {"share": 0.35, "x": 0.8, "y": 0.2}
    analysis_id = local_server.enqueue(AnalysisRequest.model_validate(asked | {"place": place}))
    assert local_server.wait(analysis_id).state == "succeeded"
    with local_server.readers() as session:
        analysis = rows.get(session, analysis_id)
        maps = rows.heatmaps(session, analysis_id)
        key = next(row.blob_key for row in maps if row.stage == "medium")
        assert analysis is not None
        seen = local_server.blobs.path(analysis.media.blob_key)
    assert analysis.provenance is not None
    assert analysis.provenance["request"]["place"] == place
    resize = analysis.provenance["preprocessing"]["resize"]
    assert "longer side 35% of 96 x 96" in resize
    assert "0.8 and 0.2 of the free" in resize
    square = made_small(load_rgb(seen), 96, Place(**place))
    model = load(find("plain", entries()))
    tracks = explain(model, Sampled.of_photo(square), methods=("gradcam",)).tracks
    expected = next(track.values[0] for track in tracks if track.stage == "medium")
    np.testing.assert_allclose(
        np.load(io.BytesIO(local_server.blobs.get(key))), expected, atol=2e-3
    )
