"""What `/readyz` tries, and what it and `/metrics` tell strangers: nothing of the inside."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
from sqlalchemy import update

from app.core.settings import Settings
from app.db import capabilities
from app.db import jobs as job_rows
from app.db.tables import Job, utcnow
from app.db.training_tables import Offer
from app.jobs.parameters import INFERENCE, PREPARATION, TRAINING
from tests.support.signing_in import as_user
from tests.support.web import Api, running
from worker import beats

QUEUES = (INFERENCE, TRAINING, PREPARATION)


@contextmanager
def with_celery(home: Path, broker: str = "redis://127.0.0.1:1/0") -> Iterator[Api]:
    """A server whose workers are Celery's."""
    with running(Settings(home=home, min_free_bytes=0, queue="celery", broker_url=broker)) as api:
        api.publish("plain")
        yield api


def workers(api: Api) -> str:
    return str(api.client.get("/readyz").json()["checks"]["workers"])


def test_every_queue_needs_a_worker_that_lives(tmp_path: Path, redis_url: str) -> None:
    with with_celery(tmp_path, redis_url) as api:
        assert "inference and training and preparation" in workers(api)
        runtime = SimpleNamespace(sessions=api.web.sessions)
        beats._beat(runtime, QUEUES[:2])  # type: ignore[arg-type]
        assert workers(api) == "no worker of preparation has been heard for a minute"
        beats._beat(runtime, QUEUES[2:])  # type: ignore[arg-type]
        assert workers(api) == "ok"
        with api.web.sessions.begin() as session:
            silent = update(Offer).where(Offer.key == f"{capabilities.BEAT}{TRAINING}")
            session.execute(silent.values(updated_at=utcnow() - timedelta(seconds=61)))
        assert workers(api) == "no worker of training has been heard for a minute"
        assert api.client.get("/readyz").status_code == 503


def test_a_job_that_nobody_takes_is_said(any_api: Api) -> None:
    assert workers(any_api) == "ok"
    with any_api.web.sessions.begin() as session:
        job = job_rows.add(session, "nothing", INFERENCE, {})
        session.execute(update(Job).values(created_at=utcnow() - timedelta(seconds=90)))
    assert workers(any_api).startswith("a job has waited for 9")
    with any_api.web.sessions.begin() as session:
        assert job_rows.claim(session, job.id, "worker")
    assert workers(any_api) == "ok"


def test_nothing_of_the_inside_is_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with with_celery(tmp_path) as api:
        text = api.client.get("/readyz").text
        for inside in ("127.0.0.1", "redis://", "Error", "refused", str(tmp_path)):
            assert inside not in text
        assert "127.0.0.1:1" in caplog.text
        (api.settings.blob_dir).rename(tmp_path / "away")
        text = api.client.get("/readyz").text
        assert "not reachable" in text
        assert str(tmp_path) not in text


def test_metrics_are_not_for_who_claims_to_be_this_machine(api: Api) -> None:
    forwarded = {"X-Forwarded-For": "127.0.0.1"}
    assert api.client.get("/metrics", headers=forwarded).status_code == 401
    with api.visitor() as browser:
        as_user(browser)
        assert "sightline_http_requests_total" in browser.get("/metrics").text
