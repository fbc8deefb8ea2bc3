"""A model without the class that is asked for: stored, drawn and answered without evidence."""

from __future__ import annotations

import re
from pathlib import Path

from app.db import analyses as rows
from app.jobs.parameters import AnalysisRequest, ClipOptions
from tests.support import clip_models as clips
from tests.support import named_classes as named
from tests.support.backend import Server, photo
from tests.worker.test_figures import draw

TARGET = {"class": "top"}


def explained(server: Server, analysis_id: str) -> tuple[dict[str, str | None], set[str]]:
    """What each model of an analysis has explained, and which of them have evidence."""
    assert server.wait(analysis_id).state == "succeeded"
    with server.readers() as session:
        said = {row.model: row.target_name for row in rows.predictions(session, analysis_id)}
        maps = rows.heatmaps(session, analysis_id)
    assert {row.model for row in maps if row.method == "attention"} == set(said)
    assert {row.target for row in maps if row.method == "gradcam"} == {"top"}
    return said, {row.model for row in maps if row.method == "gradcam"}


def words(server: Server, key: str) -> list[str]:
    text = server.blobs.get(key).decode()
    return [" ".join(one.split()) for one in re.findall(r"<!--(.*?)-->", text, re.DOTALL)]


def test_a_photo(local_server: Server, tmp_path: Path) -> None:
    own = clips.put(local_server, named.of_photos(tmp_path, "own"))
    other = clips.put(local_server, named.of_photos(tmp_path, "other", ("church", "tench")))
    fields = {
        "media_id": local_server.add_photo(photo()), "models": [own, other],
        "methods": ["attention", "gradcam"], "input_size": 96,
    }  # fmt: skip
    asked = local_server.enqueue(AnalysisRequest.model_validate({**fields, "target": TARGET}))
    said, evidence = explained(local_server, asked)
    assert (said, evidence) == ({"own": "top", "other": None}, {"own"})
    job, key = draw(local_server, asked, "svg")
    assert (job.state, job.detail) == ("succeeded", None)
    drawn = words(local_server, key)
    assert drawn.count("does not know top") == 4
    assert drawn.count("Grad-CAM") == drawn.count("learnt mask") == 2
    job, key = draw(local_server, asked, "svg", show="mask")
    assert "does not know top" not in words(local_server, key)
    job, key = draw(local_server, asked, "svg", models=[other], show="cam")
    assert words(local_server, key).count("does not know top") == 4

    top = local_server.enqueue(AnalysisRequest.model_validate({**fields, "target": "top"}))
    assert local_server.wait(top).state == "succeeded"
    job, key = draw(local_server, top, "svg", evidence_of=asked)
    assert words(local_server, key).count("does not know top") == 4
    job, key = draw(local_server, top, "svg")
    assert "does not know top" not in words(local_server, key)


def test_a_clip(local_server: Server, tmp_path: Path) -> None:
    own = clips.put(local_server, named.of_clips(tmp_path, "moves"))
    other = clips.publish(local_server, tmp_path, "boxes")
    request = {
        "media_id": clips.add_clip(local_server, clips.film()), "models": [own, other],
        "methods": ["attention", "gradcam"], "input_size": 96, "target": TARGET, "fit": "shape",
        "clip": ClipOptions(segments=2),
    }  # fmt: skip
    asked = local_server.enqueue(AnalysisRequest.model_validate(request))
    said, evidence = explained(local_server, asked)
    assert (said, evidence) == ({"moves": "top", "boxes": None}, {"moves"})
    with local_server.readers() as session:
        clip = {row.model: row.clip for row in rows.predictions(session, asked)}
    assert clip["boxes"] is not None
    assert (clip["boxes"]["shares"], clip["boxes"]["rest"]) == ({}, 0.0)
    job, key = draw(local_server, asked, "svg", stage="late", method="gradcam")
    assert (job.state, job.detail) == ("succeeded", None)
    assert words(local_server, key).count("does not know top") == 2
    job, _ = draw(local_server, asked, "svg", stage="late", method="layercam")
    assert (job.state, job.error) == ("failed", "not_found")
    job, key = draw(local_server, asked, "svg", stage="late", method="attention")
    assert "does not know top" not in words(local_server, key)
