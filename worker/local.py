"""`python -m worker.local`: the worker of `QUEUE=local`, started and watched by `python -m app`.

A byte on stdin means that a job waits; the end of stdin means that the server is gone.
"""

from __future__ import annotations

import argparse
import logging
import os
import select
import signal
import sys
import time

from app.core.logging import setup_logging
from app.core.privacy import forbid_inspection
from app.core.settings import Settings
from app.jobs.parameters import INFERENCE
from ml import allocator
from worker import runner
from worker.runtime import Runtime, make_runtime

log = logging.getLogger(__name__)
POLL_SECONDS = 1.0  # interval between reads of the jobs table without a ring
NICENESS = 5  # of all queues but `inference`: visitors' photos get the processor first


def main() -> None:
    """Run jobs until told to stop."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--name", required=True, help="name under which jobs are claimed")
    parser.add_argument("--queue", default=INFERENCE)
    parser.add_argument(
        "--idle-seconds",
        type=float,
        default=0.0,
        help="exit after so long without a job; 0: never",
    )
    options = parser.parse_args()
    settings = Settings()
    forbid_inspection()
    setup_logging(settings, "worker")
    allocator.tune()
    if options.queue != INFERENCE:
        os.nice(NICENESS)
    runtime = make_runtime(settings, options.name, queues=[options.queue])
    signal.signal(signal.SIGTERM, lambda *_: runtime.stopping.set())
    log.info("worker %s is ready", options.name)
    serve(runtime, options.queue, sys.stdin.fileno(), options.idle_seconds)
    runtime.decoder.close()


def serve(runtime: Runtime, queue: str, doorbell: int, idle_seconds: float = 0.0) -> None:
    """Run the queue's jobs in order, until stopped, idle, or the pipe `doorbell` is closed."""
    idle_since = time.monotonic()
    while not runtime.stopping.is_set():
        if runner.run_next(runtime, queue):
            idle_since = time.monotonic()
        elif queue == INFERENCE and runtime.models.load_next():
            continue  # one model at a time, since a job may arrive meanwhile
        elif 0 < idle_seconds < time.monotonic() - idle_since or not wait(doorbell):
            return


def wait(doorbell: int) -> bool:
    """Wait for a ring, at most a second; False if the other end is closed."""
    if select.select([doorbell], [], [], POLL_SECONDS)[0]:
        return bool(os.read(doorbell, 65536))
    return True


if __name__ == "__main__":
    main()
