"""The heartbeat of a running job; sets `lost` when it is cancelled, deleted or reassigned."""

from __future__ import annotations

import logging
import threading
import time
from types import TracebackType

from sqlalchemy.exc import SQLAlchemyError

from app.db import jobs as rows
from worker.runtime import Runtime

log = logging.getLogger(__name__)
LISTEN_SECONDS = 0.2  # interval between checks for a cancellation


class Heartbeat:
    """Inside the `with`, a thread writes the heartbeat and checks that the job is still ours."""

    def __init__(self, runtime: Runtime, job_id: str) -> None:
        self._runtime = runtime
        self._job_id = job_id
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="heartbeat", daemon=True)
        self.lost = False
        self.listen_seconds = LISTEN_SECONDS

    def __enter__(self) -> Heartbeat:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._ended.set()
        self._thread.join()

    def _run(self) -> None:
        every = self._runtime.settings.heartbeat_seconds
        next_beat = time.monotonic() + every
        while not self._ended.wait(min(self.listen_seconds, every)):
            try:
                self._listen()
                if time.monotonic() >= next_beat:
                    next_beat = time.monotonic() + every
                    self._beat()
            except SQLAlchemyError:
                log.warning("no heartbeat for job %s: the database is unreachable", self._job_id)

    def _listen(self) -> None:
        with self._runtime.readers() as session:
            held = rows.is_held(session, self._job_id, self._runtime.name)
        self.lost = self.lost or not held

    def _beat(self) -> None:
        with self._runtime.sessions.begin() as session:
            rows.beat(session, self._job_id, self._runtime.name)
