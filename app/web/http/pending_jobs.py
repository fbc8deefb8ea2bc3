"""Jobs of files that a worker makes while a request waits."""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock

from sqlalchemy.orm import Session, sessionmaker

from app.db import jobs as job_rows
from app.jobs import service
from app.jobs.parameters import JobParameters
from app.jobs.states import TERMINAL


class PendingJobs:
    """The job of each blob that a request of this process waits for, so that none is made twice."""

    def __init__(self) -> None:
        self._jobs: dict[str, str] = {}
        self._lock = Lock()

    def ask(
        self,
        sessions: sessionmaker[Session],
        key: str,
        params: JobParameters,
        owner: str,
        allow: Callable[[Session], None],
    ) -> str:
        """Return the id of the job that makes the blob `key`; queue `params` if there is none.

        `allow` is called before a job is queued, and raises if none may be.
        """
        with self._lock, sessions.begin() as session:
            job = job_rows.get(session, self._jobs.get(key, ""))
            if job is None or job.state in TERMINAL:
                allow(session)
                job = service.enqueue(session, params, owner=owner)
                self._jobs[key] = job.id
            return job.id

    def forget(self, key: str) -> None:
        """Forget the job of the blob `key`, which has ended."""
        with self._lock:
            self._jobs.pop(key, None)
