"""A job that cannot be done ends with a sentence that helps, and leaves nothing behind."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import leave_out
from tests.support import clip_models as clips
from tests.support.backend import Server, home_settings, photo, serving
from tests.worker.conftest import QUICK


@pytest.fixture
def small_disk(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Path]:
    """A file system of so many kilobytes."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={request.param}k", "tiny", str(folder)]
    if subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        leave_out("the right to mount a small disk", service=False)
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.mark.parametrize("small_disk", [400], indirect=True)
def test_a_disk_that_fills_up_is_said_and_cleaned_up(tmp_path: Path, small_disk: Path) -> None:
    settings = home_settings(tmp_path / "home", blobs=str(small_disk / "blobs"), **QUICK)
    server = Server(settings)
    media_id = server.add_photo(photo())
    with serving(server):
        # The combined maps of 512 x 512 are half a megabyte each: they cannot fit.
        failed = server.wait(server.ask(media_id, size=512))
        assert (failed.state, failed.error) == ("failed", "disk_full")
        assert failed.detail is not None
        assert "disk is full" in failed.detail
        assert server.stray_blobs() == []
        assert server.wait(server.ask(media_id, models=["plain"], size=96)).state == "succeeded"
    server.close()


@pytest.mark.parametrize("small_disk", [3000], indirect=True)
def test_a_disk_that_a_clip_fills_up_is_said_and_cleaned_up(
    tmp_path: Path, small_disk: Path
) -> None:
    server = Server(home_settings(tmp_path / "home", blobs=str(small_disk / "blobs"), **QUICK))
    media_id = clips.add_clip(server, clips.film())
    with serving(server):
        # The flow of four snippets of 224 x 224 is 4 MB: it cannot fit.
        failed = server.wait(clips.ask(server, media_id, ["fight-plain"], size=224))
        assert (failed.state, failed.error) == ("failed", "disk_full")
        assert server.stray_blobs() == []
        assert server.wait(clips.ask(server, media_id, ["fight-plain"])).state == "succeeded"
    server.close()


def test_a_model_that_nobody_offers_is_named(local_server: Server) -> None:
    media_id = local_server.add_photo(photo())
    with serving(local_server):
        analysis_id = local_server.ask(media_id, models=["resnet"])
        job = local_server.wait(analysis_id)
    assert (job.state, job.error) == ("failed", "not_found")
    assert job.detail is not None
    assert "resnet" in job.detail


def test_an_unknown_method_is_named(local_server: Server) -> None:
    media_id = local_server.add_photo(photo())
    with serving(local_server):
        analysis_id = local_server.ask(media_id, models=["plain"], methods=["tea-leaves"])
        job = local_server.wait(analysis_id)
    assert (job.state, job.error) == ("failed", "unprocessable")
    assert job.detail is not None
    assert "tea-leaves" in job.detail


def test_what_nobody_expected_is_kept_for_the_log(local_server: Server) -> None:
    media_id = local_server.add_photo(photo())
    analysis_id = local_server.ask(media_id, models=["plain"])
    with local_server.sessions.begin() as session:
        from app.db import analyses

        analysis = analyses.get(session, analysis_id)
        assert analysis is not None
        analysis.job.params = {"nonsense": True}
    with serving(local_server):
        job = local_server.wait(analysis_id)
    assert (job.state, job.error) == ("failed", "internal_error")
    assert job.traceback is not None
    assert "nonsense" in job.traceback
    assert job.detail is not None
    assert "nonsense" not in job.detail


def test_a_job_that_always_kills_its_worker_fails_in_the_end(tmp_path: Path) -> None:
    from tests.support.backend import kill_workers, wait_for

    server = Server(home_settings(tmp_path / "home", **(QUICK | {"max_attempts": 2})))
    analysis_id = server.ask(server.add_photo(photo()), models=["plain"], size=512)
    with serving(server):
        for attempt in (1, 2):
            wait_for(lambda a=attempt: server.job(analysis_id).attempts == a, every=0.002)
            kill_workers(server)
        job = server.wait(analysis_id)
    assert (job.state, job.error, job.attempts) == ("failed", "worker_lost", 2)
    server.close()
