"""Workers that start when a job waits, and end when they have had none for a while."""

from __future__ import annotations

import os
import time

import pytest

from app.db import capabilities
from app.db.tables import ModelCard
from app.jobs.doorbell import LocalDoorbell
from ml.explain.methods import METHODS
from tests.support.backend import Server, home_settings
from worker.local import serve
from worker.model_cache import ModelCache
from worker.runtime import make_runtime


@pytest.fixture
def settings(tmp_path):
    return home_settings(tmp_path / "home")


def test_a_worker_without_a_job_ends(settings):
    runtime = make_runtime(settings, "w", queues=["training"])
    hears, rings = os.pipe()
    began = time.monotonic()
    serve(runtime, "training", hears, idle_seconds=0.3)
    assert 0.3 < time.monotonic() - began < 60
    runtime.decoder.close()
    os.close(rings)
    os.close(hears)


def test_only_the_worker_of_photos_publishes_models(settings):
    server = Server(settings)
    make_runtime(settings, "w", queues=["training"]).decoder.close()
    assert server._count(ModelCard) == 0
    with server.readers() as session:
        methods = capabilities.get(session, capabilities.METHODS)
    assert set(methods) == set(METHODS)
    assert methods["rollout"]["title"] == "attention rollout"
    make_runtime(settings, "v").decoder.close()
    assert server._count(ModelCard) >= 6
    server.close()


def test_a_ring_that_nobody_hears_is_remembered():
    bell = LocalDoorbell()
    hears, rings = os.pipe()
    bell.ring("training", "")
    assert bell.unheard("training").is_set()
    assert not bell.unheard("preparation").is_set()
    bell.unheard("training").clear()
    bell.attach("training", rings)
    bell.ring("training", "")
    assert not bell.unheard("training").is_set()
    assert os.read(hears, 10) == b"\n"
    os.close(hears)
    bell.ring("training", "")
    assert bell.unheard("training").is_set()
    os.close(rings)


@pytest.mark.parametrize("ahead", [True, False])
def test_models_are_loaded_ahead_where_that_is_set(settings, ahead):
    models = ModelCache(settings.model_copy(update={"load_ahead": ahead}), lambda _: None)
    assert models.load_next() is ahead
    assert models.get("plain", "image").classes  # loaded when it is asked for in any case
