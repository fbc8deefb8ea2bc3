"""Cancelling takes effect at once, and stops the work; `bench/page.py` says how soon.

One mode will do: the row says so to either worker. An analysis that is cancelled while it waits is
in `test_delivery.py`, where everything is stopped.
"""

from __future__ import annotations

import pytest

from tests.support.backend import Server, photo, wait_for

EVERYTHING = ("attention", "gradcam", "gradcampp", "hirescam", "layercam", "xgradcam")


@pytest.mark.parametrize("share", [0.0, 0.3])
def test_a_running_analysis_stops(local_server: Server, share: float) -> None:
    server, media_id = local_server, local_server.add_photo(photo())
    analysis_id = server.ask(media_id, methods=EVERYTHING, size=224)
    wait_for(lambda: reached(server, analysis_id, share), every=0.005)
    assert server.cancel(analysis_id)
    assert server.job(analysis_id).state == "cancelled"
    assert not server.cancel(analysis_id)
    stored = server.result(analysis_id)
    follower = server.ask(media_id, models=["plain"])
    assert server.wait(follower).state == "succeeded"
    assert server.result(analysis_id) == stored, "it went on"
    assert server.job(analysis_id).state == "cancelled"
    assert server.stray_blobs() == []


def reached(server: Server, analysis_id: str, share: float) -> bool:
    job = server.job(analysis_id)
    assert job.state in {"queued", "running"}, "it was over before it could be cancelled"
    return job.state == "running" and job.progress >= share
