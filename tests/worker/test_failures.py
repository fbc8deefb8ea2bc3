"""A job that cannot be done ends with a sentence that helps, and leaves nothing behind.

One mode will do: the sentence is made where the job is run, whatever rang for it.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.db.tables import Analysis
from app.jobs.parameters import INFERENCE
from app.media.deletion import delete_analysis
from tests.conftest import leave_out
from tests.support import clip_models as clips
from tests.support.backend import (
    QUICK,
    Server,
    home_settings,
    kill_workers,
    photo,
    serving,
    wait_for,
    worker_processes,
)
from tests.worker.test_cancel import EVERYTHING

DISK_KILOBYTES = 3000


@pytest.fixture(scope="module")
def small_disk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A file system of three megabytes."""
    folder = tmp_path_factory.mktemp("disk")
    mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK_KILOBYTES}k", "tiny", str(folder)]
    if subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        leave_out("the right to mount a small disk", service=False)
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.fixture(scope="module")
def small_server(tmp_path_factory: pytest.TempPathFactory, small_disk: Path) -> Iterator[Server]:
    """A server whose blobs are on the small disk; serving."""
    home = tmp_path_factory.mktemp("small")
    server = Server(home_settings(home, blobs=str(small_disk / "blobs"), **QUICK))
    with serving(server):
        yield server
    server.close()


def test_a_disk_that_fills_up_is_said_and_cleaned_up(small_server: Server) -> None:
    server, media_id = small_server, small_server.add_photo(photo())
    # The six combined maps of 512 x 512 are half a megabyte each: they cannot fit.
    failed = server.wait(server.ask(media_id, ["gated"], methods=EVERYTHING, size=512))
    assert (failed.state, failed.error) == ("failed", "disk_full")
    assert failed.detail is not None
    assert "disk is full" in failed.detail
    assert server.stray_blobs() == []
    assert server.wait(server.ask(media_id, models=["plain"])).state == "succeeded"


def test_a_disk_that_a_clip_fills_up_is_said_and_cleaned_up(small_server: Server) -> None:
    server, media_id = small_server, clips.add_clip(small_server, clips.film())
    # The flow of four snippets of 224 x 224 is 4 MB: it cannot fit.
    failed = server.wait(clips.ask(server, media_id, ["fight-plain"], size=224))
    assert (failed.state, failed.error) == ("failed", "disk_full")
    assert server.stray_blobs() == []
    assert server.wait(clips.ask(server, media_id, ["fight-plain"])).state == "succeeded"


def test_an_idle_server_stays_small(small_server: Server) -> None:
    """Where nobody trains or imports, there is only the worker of photos and clips."""
    media_id = small_server.add_photo(photo())
    small_server.wait(small_server.ask(media_id, models=["plain"]))
    assert len(worker_processes(small_server)) == 1
    assert len(worker_processes(small_server, INFERENCE)) == 1


def test_a_model_that_nobody_offers_is_named(local_server: Server) -> None:
    media_id = local_server.add_photo(photo())
    job = local_server.wait(local_server.ask(media_id, models=["resnet"]))
    assert (job.state, job.error) == ("failed", "not_found")
    assert job.detail is not None
    assert "resnet" in job.detail


def test_an_unknown_method_is_named(local_server: Server) -> None:
    media_id = local_server.add_photo(photo())
    job = local_server.wait(local_server.ask(media_id, models=["plain"], methods=["tea-leaves"]))
    assert (job.state, job.error) == ("failed", "unprocessable")
    assert job.detail is not None
    assert "tea-leaves" in job.detail


def test_what_nobody_expected_is_kept_for_the_log(local_server: Server) -> None:
    media_id = local_server.add_photo(photo())
    analysis_id = local_server.ask(media_id, models=["plain"], params={"nonsense": True})
    job = local_server.wait(analysis_id)
    assert (job.state, job.error) == ("failed", "internal_error")
    assert job.traceback is not None
    assert "nonsense" in job.traceback
    assert job.detail is not None
    assert "nonsense" not in job.detail


def test_a_job_that_always_kills_its_worker_fails_in_the_end(local_server: Server) -> None:
    """It has been tried almost as often as may be; the worker is killed in the last try.

    The next worker dies at once, and is replaced as well.
    """
    server, tries = local_server, local_server.settings.max_attempts
    media_id = server.add_photo(photo())
    analysis_id = server.ask(media_id, methods=EVERYTHING, size=224, attempts=tries - 1)
    wait_for(lambda: server.job(analysis_id).attempts == tries, every=0.002)
    for _ in range(2):
        before = {process.pid for process in worker_processes(server, INFERENCE)}
        kill_workers(server, INFERENCE)
        wait_for(lambda b=before: {p.pid for p in worker_processes(server, INFERENCE)} - b)
    job = server.wait(analysis_id)
    assert (job.state, job.error, job.attempts) == ("failed", "worker_lost", tries)
    assert server.wait(server.ask(media_id, models=["plain"])).state == "succeeded"
    with server.sessions.begin() as session:
        delete_analysis(session, server.blobs, session.get_one(Analysis, analysis_id))
    server.blobs.sweep_temporary(older_than=0)  # a file that the kill cut off
    assert server.stray_blobs() == []
