"""An analysis from the row to the last map, in both queue modes."""

from __future__ import annotations

import io

import numpy as np

from app.db import analyses as rows
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
