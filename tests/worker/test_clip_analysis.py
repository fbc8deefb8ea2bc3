"""A clip's analysis from the row to the last track: right, resumable, stoppable, removable."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest

from app.db import analyses as rows
from app.db.tables import Media
from app.media.deletion import delete_analysis, delete_media
from ml.catalogue import load
from ml.explain.explain import explain
from ml.media import flow
from ml.networks.video.sampling import segment_bounds, snippets
from ml.networks.video.types import Sampled
from tests.support import clip_models as clips
from tests.support.backend import Server, wait_for
from tests.support.kills import clip_result, ends_the_same, killed_in_the_middle

SEEN = (128, 96)  # the film of 96 x 72 at 96 px


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the module's tiny checkpoints are made."""
    return tmp_path_factory.mktemp("checkpoints")


def test_numbers_are_those_of_the_library(celery_server: Server, folder: Path) -> None:
    """Through Celery and PostgreSQL; the other tests of this file have SQLite and local workers."""
    server = celery_server
    model = clips.publish(server, folder, "tiny")
    media_id = clips.add_clip(server, clips.film())
    analysis_id = clips.ask(server, media_id, [model], from_s=0.2, to_s=1.8)
    job = server.wait(analysis_id)
    assert (job.state, job.detail, job.progress, job.attempts) == ("succeeded", None, 1.0, 1)
    sampled = take(server, media_id, 0.2, 1.8)
    expected = explain(load(clips.checkpoint(folder, model, "gated", "two_stream")), sampled)
    assert expected.clip is not None
    with server.readers() as session:
        [said] = rows.predictions(session, analysis_id)
        maps = rows.heatmaps(session, analysis_id)
    assert said.clip is not None
    assert said.target_index == expected.target_index
    np.testing.assert_allclose(said.target_logit, expected.logits[expected.target_index], rtol=1e-4)
    shares = [share for stream in said.clip["shares"].values() for share in stream]
    assert sum(shares) + said.clip["rest"] == pytest.approx(said.target_logit, rel=1e-5)
    for stream, scores in expected.clip.streams.items():
        np.testing.assert_allclose(said.clip["streams"][stream]["logits"], scores.logits, atol=1e-4)
    np.testing.assert_allclose(said.clip["times"], sampled.snippet_times)
    kinds = {(t.stream, t.stage, t.method): t for t in expected.tracks}
    assert len(maps) == 4 * len(kinds)
    for row in maps:
        track = kinds[row.stream, row.stage, row.method]
        values = np.load(io.BytesIO(server.blobs.get(row.blob_key)))
        assert values.shape == track.values.shape
        span = float(np.ptp(track.values)) or 1.0
        np.testing.assert_allclose(values, track.values, atol=2e-3 * span)
        one = values[row.frame].astype(np.float64)
        assert (row.time_s, row.shape) == (track.times[row.frame], list(one.shape))
        assert (row.min, row.max, row.sum) == (one.min(), one.max(), pytest.approx(one.sum()))


def take(server: Server, media_id: str, start: float, end: float) -> Sampled:
    """The snippets by the library alone."""
    path = server.blobs.path(f"media/{media_id}/original")
    times = server.decoder.clip_times(path)
    chosen = snippets(times, 4, 11, start, end)
    frames = np.stack([server.decoder.clip_frames(path, sorted(one), SEEN) for one in chosen])
    bounds = segment_bounds(times, 4, start, end)
    return Sampled(frames, np.array(times)[np.array(chosen)], bounds, flow.stack(frames))


def test_what_lies_beside_the_maps_and_goes_with_them(local_server: Server, folder: Path) -> None:
    server = local_server
    models = [clips.publish(server, folder, "tiny"), clips.publish(server, folder, "other", "cbam")]
    media_id = clips.add_clip(server, clips.film())
    first = clips.ask(server, media_id, models)
    assert server.wait(first).state == "succeeded"
    kept = server.blobs.path(key := clips.flow_of(server, first)).stat().st_mtime_ns
    second = clips.ask(server, media_id, models[:1])
    assert server.wait(second).state == "succeeded"
    assert server.blobs.path(key).stat().st_mtime_ns == kept, "the flow was computed twice"
    assert np.load(server.blobs.path(key)).shape == (4, 10, 2, 96, 128)
    mean = np.load(io.BytesIO(server.blobs.get(f"maps/{first}/flow.npy")))
    assert (mean.shape, mean.dtype) == ((4, 2, 56, 56), np.float16)
    assert mean[0, 0].max() > 2, "the box goes to the right, 4.7 px of 224 a frame"
    assert mean[0, 0].max() > 3 * np.abs(mean[0, 1]).max()
    assert server.stray_blobs() == []
    with server.sessions.begin() as session:
        delete_analysis(session, server.blobs, session.get_one(rows.Analysis, first))
    assert list(server.blobs.keys(f"maps/{first}")) == []
    assert server.stray_blobs() == []
    with server.sessions.begin() as session:
        delete_media(session, server.blobs, session.get_one(Media, media_id))
    folders = (f"media/{media_id}", f"maps/{first}", f"maps/{second}")
    assert [key for folder in folders for key in server.blobs.keys(folder)] == []
    assert server.stray_blobs() == []


def test_a_kill_in_the_middle_changes_nothing(local_server: Server, folder: Path) -> None:
    """Killed when one model is stored; at random moments in `tests/soak/test_kills_analyses.py`."""
    server = local_server
    models = [clips.publish(server, folder, name) for name in ("tiny", "tinier", "tiniest")]
    media_id = clips.add_clip(server, clips.film(1))

    def ask() -> str:
        clips.forget_flow(server, media_id)
        return clips.ask(server, media_id, models)

    undisturbed = ask()
    assert server.wait(undisturbed).state == "succeeded"
    disturbed = killed_in_the_middle(server, ask, shares=[0.5])
    ends_the_same(server, clip_result, disturbed, undisturbed)


def test_a_cancelled_one_stops_and_leaves_nothing(local_server: Server, folder: Path) -> None:
    server = local_server
    models = [clips.publish(server, folder, name) for name in ("tiny", "tinier", "tiniest")]
    media_id = clips.add_clip(server, clips.film(2))
    analysis_id = clips.ask(server, media_id, models, segments=8)
    wait_for(lambda: server.job(analysis_id).progress > 0, every=0.005)
    assert server.cancel(analysis_id)
    stored = clip_result(server, analysis_id)
    follower = clips.ask(server, media_id, models[:1])
    assert server.wait(follower).state == "succeeded"
    assert server.job(analysis_id).state == "cancelled"
    assert clip_result(server, analysis_id) == stored, "it went on"
    assert server.stray_blobs() == []


def test_a_range_in_which_nothing_is_ends_in_a_sentence(local_server: Server, folder: Path) -> None:
    model = clips.publish(local_server, folder, "tiny")
    media_id = clips.add_clip(local_server, clips.film())
    analysis_id = clips.ask(local_server, media_id, [model], from_s=50.0, to_s=60.0)
    job = local_server.wait(analysis_id)
    assert (job.state, job.error) == ("failed", "unprocessable")
    assert job.detail is not None
    assert "50.00 s" in job.detail
    assert local_server.stray_blobs() == []
