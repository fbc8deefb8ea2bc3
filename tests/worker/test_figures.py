"""The table as a file for a paper, drawn by the worker."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from app.db import jobs
from app.db.tables import Job, new_id
from app.jobs import service
from app.jobs.parameters import AnalysisRequest, DrawFigureJob
from app.jobs.states import TERMINAL
from tests.support import clip_models as clips
from tests.support.backend import Server, photo, wait_for

BEGINNINGS = {"png": b"\x89PNG", "svg": b"<?xml", "pdf": b"%PDF"}


def draw(server: Server, analysis_id: str, kind: str, **look: object) -> tuple[Job, str]:
    """Ask for a figure and wait; return the job and the blob's name."""
    key = f"figures/{analysis_id}/{new_id()}.{kind}"
    params = {"analysis_id": analysis_id, "format": kind, "key": key, **look}
    with server.sessions.begin() as session:
        figure = DrawFigureJob.model_validate(params)
        job_id = service.enqueue(session, figure).id

    def job() -> Job:
        with server.readers() as session:
            found = jobs.get(session, job_id)
            assert found is not None
            return found

    wait_for(lambda: job().state in TERMINAL)
    return job(), key


def test_figures_of_every_kind(local_server: Server) -> None:
    media_id = local_server.add_photo(photo())
    analysis_id = local_server.ask(media_id, models=["plain"])
    local_server.wait(analysis_id)
    for kind, beginning in BEGINNINGS.items():
        job, key = draw(local_server, analysis_id, kind, colormap="magma", scale="shared")
        assert (job.state, job.detail) == ("succeeded", None)
        assert local_server.blobs.get(key).startswith(beginning)
    _, again = draw(local_server, analysis_id, "png", colormap="magma", scale="shared")
    _, other = draw(local_server, analysis_id, "png", colormap="magma", alpha=0.1)
    first = local_server.blobs.get(again)
    assert first != local_server.blobs.get(other)
    assert local_server.stray_blobs() == []


def test_a_figure_has_the_rows_on_show_and_says_how_they_are_drawn(local_server: Server) -> None:
    media_id = local_server.add_photo(photo())
    first = local_server.ask(media_id, models=["plain", "gated"])
    request = {"media_id": media_id, "models": ["gated"], "methods": ["gradcam"], "input_size": 96}
    other = local_server.enqueue(AnalysisRequest.model_validate(request | {"target": "chain saw"}))
    for one in (first, other):
        assert local_server.wait(one).state == "succeeded"
    look = {"colormap": "vik", "signed": True, "threshold": 0.2, "smooth": False}
    _, key = draw(local_server, first, "svg", models=["gated", "plain"], evidence_of=other, **look)
    said = re.findall(r"<!-- (.*?) -->", local_server.blobs.get(key).decode())
    titles = [words for words in said if words in ("Attention gates", "MobileNetV2")]
    assert titles == ["Attention gates", "Attention gates", "MobileNetV2"]  # its mask, its evidence
    assert said.count("for chain saw") == 1  # plain has its own evidence
    [note] = [words for words in said if words.startswith("Colours: vik, signed")]
    assert "own grid; hidden below 20%" in note
    _, key = draw(local_server, first, "svg", models=["gated"], show="mask")
    said = re.findall(r"<!-- (.*?) -->", local_server.blobs.get(key).decode())
    assert "Grad-CAM" not in said
    assert said.count("Attention gates") == 1


def test_a_figure_shows_the_channel_that_the_page_shows(local_server: Server) -> None:
    analysis_id = local_server.ask(local_server.add_photo(photo()), models=["residual"])
    assert local_server.wait(analysis_id).state == "succeeded"
    maps = {}
    for channel in ("mean", "max", "300"):
        _, key = draw(local_server, analysis_id, "svg", show="mask", channel=channel)
        said = re.findall(r"<!-- (.*?) -->", local_server.blobs.get(key).decode())
        maps[channel] = [words for words in said if re.fullmatch(r"\S+ to [\d.e-]+", words)]
        assert any("channels" in words for words in said) == (channel != "mean")
    assert [len(ranges) for ranges in maps.values()] == [4, 4, 1]  # only late has 320 channels
    assert all(a != b for a, b in zip(maps["mean"][:3], maps["max"][:3], strict=True))
    job, _ = draw(local_server, analysis_id, "svg", show="mask", channel="999")
    assert (job.state, job.error) == ("failed", "not_found")


def test_a_clip_is_drawn_as_a_sheet_of_its_moments(local_server: Server, tmp_path: Path) -> None:
    model = clips.publish(local_server, tmp_path, "tiny")
    analysis_id = clips.ask(local_server, clips.add_clip(local_server, clips.film()), [model])
    assert local_server.wait(analysis_id).state == "succeeded"
    job, key = draw(local_server, analysis_id, "svg", stage="late", method="gradcam")
    assert (job.state, job.detail) == ("succeeded", None)
    text = local_server.blobs.get(key).decode()
    for words in ("Grad-CAM, late", "appearance (RGB)", "motion (flow)", "tiny"):
        assert words in text
    assert len(re.findall(r"<!-- \d\.\d\d s -->", text)) == 4
    job, _ = draw(local_server, analysis_id, "svg", method="layercam")
    assert (job.state, job.error) == ("failed", "not_found")
    assert "no maps of layercam at combined" in str(job.detail)


@pytest.mark.parametrize("analysed", [False, True])
def test_without_maps_there_is_nothing_to_draw(local_server: Server, analysed: bool) -> None:
    analysis_id = new_id()
    if analysed:
        media_id = local_server.add_photo(photo())
        analysis_id = local_server.ask(media_id, models=["nobody"])
        assert local_server.wait(analysis_id).state == "failed"
    job, key = draw(local_server, analysis_id, "png")
    assert (job.state, job.error) == ("failed", "not_found")
    assert not local_server.blobs.exists(key)
    assert local_server.stray_blobs() == []
