"""Cancelling takes effect at once, and stops the work; `bench/page.py` says how soon."""

from __future__ import annotations

from tests.support.backend import Server, photo, serving, wait_for

EVERYTHING = ("attention", "gradcam", "gradcampp", "hirescam", "layercam", "xgradcam")


def test_a_queued_analysis_is_cancelled_at_once(server: Server) -> None:
    media_id = server.add_photo(photo())
    analysis_id = server.ask(media_id, models=["plain"])
    assert server.cancel(analysis_id)
    assert server.job(analysis_id).state == "cancelled"
    assert not server.cancel(analysis_id)
    with serving(server):
        follower = server.ask(media_id, models=["plain"])
        assert server.wait(follower).state == "succeeded"
    job = server.job(analysis_id)
    assert (job.state, job.attempts, server.result(analysis_id)) == ("cancelled", 0, {})


def test_a_running_analysis_stops(server: Server) -> None:
    media_id = server.add_photo(photo())
    with serving(server):
        server.wait(server.ask(media_id))  # all models are loaded now
        for share in (0.0, 0.3, 0.6):
            analysis_id = server.ask(media_id, methods=EVERYTHING, size=512)
            wait_for(lambda a=analysis_id, s=share: reached(server, a, s), every=0.005)
            assert server.cancel(analysis_id)
            assert server.job(analysis_id).state == "cancelled"
            stored = server.result(analysis_id)
            follower = server.ask(media_id, models=["plain"], size=96)
            assert server.wait(follower).state == "succeeded"
            assert server.result(analysis_id) == stored, "it went on"
            assert server.job(analysis_id).state == "cancelled"
        assert server.stray_blobs() == []


def reached(server: Server, analysis_id: str, share: float) -> bool:
    job = server.job(analysis_id)
    assert job.state in {"queued", "running"}, "it was over before it could be cancelled"
    return job.state == "running" and job.progress >= share
