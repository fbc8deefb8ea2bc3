"""Workers that start when a job waits, and end when they have had none for a while."""

from __future__ import annotations

import os
import time

from app.db.models import ModelCard
from app.jobs.dispatch import LocalDoorbell
from worker.local import serve
from worker.runtime import make_runtime


def test_a_worker_without_a_job_ends(local_server):
    runtime = make_runtime(local_server.settings, "w", queues=["training"])
    hears, rings = os.pipe()
    began = time.monotonic()
    serve(runtime, "training", hears, idle_seconds=0.3)
    assert 0.3 < time.monotonic() - began < 60
    runtime.decoder.close()
    os.close(rings)
    os.close(hears)


def test_only_the_worker_of_photos_publishes_models(local_server):
    make_runtime(local_server.settings, "w", queues=["training"]).decoder.close()
    assert local_server._count(ModelCard) == 0
    make_runtime(local_server.settings, "v").decoder.close()
    assert local_server._count(ModelCard) >= 6


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
