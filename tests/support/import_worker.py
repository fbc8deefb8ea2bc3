"""A worker in this process that imports datasets."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator
from typing import Any

from app.core.settings import Settings
from app.db.engine import make_engine, make_sessions
from app.jobs.parameters import PREPARATION
from app.media.decoder.client import Decoder
from app.storage.blobs import LocalBlobs
from worker import runner
from worker.runtime import Runtime


def light_runtime(settings: Settings, name: str = "test worker") -> Runtime:
    """A worker's runtime without models, which imports do not need."""
    engine = make_engine(settings)
    nothing: Any = None
    return Runtime(
        name=name,
        settings=settings,
        sessions=make_sessions(engine),
        readers=make_sessions(engine, read=True),
        blobs=LocalBlobs(settings.blob_dir),
        decoder=Decoder(settings),
        models=nothing,
    )


def import_all(settings: Settings) -> None:
    """Run all queued jobs of `preparation`."""
    runtime = light_runtime(settings)
    try:
        while runner.run_next(runtime, PREPARATION):
            pass
    finally:
        runtime.decoder.close()


@contextlib.contextmanager
def importing(settings: Settings) -> Iterator[Runtime]:
    """Run them in a thread, inside the `with`."""
    runtime = light_runtime(settings)

    def work() -> None:
        while not runtime.stopping.is_set():
            if not runner.run_next(runtime, PREPARATION):
                time.sleep(0.05)

    thread = threading.Thread(target=work, name="imports")
    thread.start()
    try:
        yield runtime
    finally:
        runtime.stopping.set()
        thread.join(30)
        runtime.decoder.close()
