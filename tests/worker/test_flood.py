"""Three hundred analyses of one visitor hold nobody else up, with real workers."""

from __future__ import annotations

from sqlalchemy import func, select, update

from app.db.tables import Job
from tests.support.backend import Server, photo, wait_for

FLOOD = 300


def test_a_newcomer_waits_for_at_most_one_job_of_a_flood(server: Server) -> None:
    media_id = server.add_photo(photo())
    server.wait(server.ask(media_id, models=["plain"]))  # the worker is warm
    for _ in range(FLOOD):
        server.ask(media_id, models=["gated"], size=224, owner="flooder")
    guest = server.wait(server.ask(media_id, models=["plain"], owner="guest"))
    flood = Job.owner == "flooder"
    with server.sessions.begin() as session:
        after = Job.started_at.between(guest.created_at, guest.started_at)
        overtook = session.scalar(select(func.count()).where(flood, after))
        left = session.scalar(select(func.count()).where(flood, Job.state == "queued"))
        stopped = {"state": "cancelled", "finished_at": guest.finished_at}
        session.execute(update(Job).where(flood, Job.state == "queued").values(**stopped))
    assert guest.state == "succeeded"
    assert left  # otherwise nothing was shown
    assert overtook is not None
    assert overtook <= 1
    wait_for(lambda: not server.holders())
