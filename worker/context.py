"""What a handler may do besides computing: report progress, store rows, and stop."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy.orm import Session

from app.db import jobs as rows
from app.jobs.states import TERMINAL
from worker.heartbeat import Heartbeat
from worker.runtime import Runtime


class JobLost(Exception):
    """The job was cancelled, deleted or claimed by another worker: nothing may be written."""


class WorkerStopping(Exception):
    """The worker is shutting down; another one will do the job."""


class Context:
    """A handler's view of its job."""

    def __init__(self, runtime: Runtime, job_id: str, heartbeat: Heartbeat) -> None:
        self.runtime = runtime
        self._job_id = job_id
        self._heartbeat = heartbeat

    def check(self) -> None:
        """Raise JobLost or WorkerStopping if the job should not go on.

        Handlers call it between steps of well under a second.
        """
        if self._heartbeat.lost:
            raise JobLost
        if self.runtime.stopping.is_set():
            raise WorkerStopping

    def listen_every(self, seconds: float) -> None:
        """Check at this interval whether the job is still wanted."""
        self._heartbeat.listen_seconds = seconds

    def nobody_else_works_on_it(self, session: Session) -> bool:
        """Return whether this is so; no other worker can claim the job until the session ends."""
        if rows.beat(session, self._job_id, self.runtime.name):
            return True
        job = rows.get(session, self._job_id)
        return job is None or job.state in TERMINAL

    def commit(
        self, progress: float, message: str, write: Callable[[Session], object] | None = None
    ) -> None:
        """Store a step's rows and the progress (0..1) in one transaction; on JobLost, neither."""
        with self.runtime.sessions.begin() as session:
            if not rows.advance(session, self._job_id, self.runtime.name, progress, message):
                raise JobLost
            if write is not None:
                write(session)

    def pause(self, message: str) -> None:
        """Wait for a person: the job is paused, and queued again when they have decided."""
        with self.runtime.sessions.begin() as session:
            if not rows.advance(session, self._job_id, self.runtime.name, 1.0, message):
                raise JobLost
            rows.pause(session, self._job_id)
