"""Workers of Celery write that they live, for `/readyz`."""

from __future__ import annotations

from app.db import capabilities
from app.jobs.parameters import INFERENCE, PREPARATION, TRAINING
from tests.support.backend import Server, wait_for


def test_a_celery_worker_beats_for_each_of_its_queues(celery_server: Server) -> None:
    def heard() -> set[str]:
        with celery_server.readers() as session:
            return capabilities.beating(session, 60)

    wait_for(lambda: heard() == {INFERENCE, TRAINING, PREPARATION}, 120, every=0.2)
