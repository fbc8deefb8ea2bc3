"""Recovers from dead workers, lost messages and killed servers."""

from __future__ import annotations

import logging
import threading
import time

from sqlalchemy.orm import Session, sessionmaker

from app.core.settings import Settings
from app.datasets import deletion as dataset_files
from app.db import jobs as rows
from app.db import rates
from app.db.garbage import remove_old_jobs
from app.db.media import give_up_copies
from app.db.tables import Job
from app.jobs.cleanup import sweep_cache, sweep_runs
from app.jobs.doorbell import ring_after_commit
from app.media.deletion import SETTLED_SECONDS, sweep
from app.media.retention import delete_unused
from app.storage.blobs import LocalBlobs

log = logging.getLogger(__name__)
FIRST_RING_SECONDS = 2.0  # a job that has waited this long may have lost its message
LAST_RING_SECONDS = 60.0  # the pause between rings doubles up to this
SWEEP_SECONDS = 3600.0
COPY_SECONDS = 6 * 3600.0  # timeout of a clip's playable copy
JOB_DAYS = 7.0  # how long an ended job without an analysis is kept


class Reaper:
    """Requeues jobs whose heartbeat has stopped, and rings again for waiting jobs."""

    def __init__(self, sessions: sessionmaker[Session], settings: Settings) -> None:
        self._sessions = sessions
        self._settings = settings
        self._rung: dict[str, tuple[float, float]] = {}  # job -> (pause, time of the next ring)

    def tick(self) -> None:
        """Check all jobs once."""
        with self._sessions() as session:
            limit = self._settings.stale_seconds
            requeued = rows.requeue_stale(session, limit, self._settings.max_attempts)
            _announce(session, requeued)
            waiting = rows.waiting_since(session, FIRST_RING_SECONDS)
            due = self._due([job.id for job in waiting])
            for job in waiting:
                if job.id in due:
                    ring_after_commit(session, job)
            session.commit()

    def worker_died(self, worker: str) -> bool:
        """Requeue at once the jobs of a worker that is known to be dead; True if it had any."""
        with self._sessions.begin() as session:
            requeued = rows.requeue_of(session, worker, self._settings.max_attempts)
            _announce(session, requeued)
        return bool(requeued)

    def _due(self, waiting: list[str]) -> set[str]:
        now = time.monotonic()
        self._rung = {job: self._rung.get(job, (FIRST_RING_SECONDS, now)) for job in waiting}
        due = {job for job, (_, at) in self._rung.items() if at <= now}
        for job in due:
            pause = self._rung[job][0]
            self._rung[job] = (min(2 * pause, LAST_RING_SECONDS), now + pause)
        return due


class ReaperThread(threading.Thread):
    """Runs a reaper, and once an hour removes old uploads, unused files and rows."""

    def __init__(
        self, sessions: sessionmaker[Session], blobs: LocalBlobs, settings: Settings
    ) -> None:
        super().__init__(name="reaper", daemon=True)
        self.reaper = Reaper(sessions, settings)
        self._sessions = sessions
        self._blobs = blobs
        self._settings = settings
        self._pause = min(1.0, settings.stale_seconds / 4)
        self._stopping = threading.Event()

    def run(self) -> None:
        """Check until stopped; errors are logged, and the next round tries again."""
        next_sweep = time.monotonic()
        while not self._stopping.wait(self._pause):
            try:
                self.reaper.tick()
                if time.monotonic() >= next_sweep:
                    next_sweep = time.monotonic() + SWEEP_SECONDS
                    self._sweep()
            except Exception:
                log.exception("reaper iteration failed; retrying")

    def stop(self) -> None:
        """End the thread."""
        self._stopping.set()
        self.join(timeout=5)

    def _sweep(self) -> None:
        days = self._settings.retention_days
        if expired := delete_unused(self._sessions, self._blobs, days):
            log.info("deleted %d uploads that were not used for %g days", expired, days)
        removed = self._blobs.sweep_temporary(SETTLED_SECONDS)
        with self._sessions.begin() as session:
            removed += sweep(session, self._blobs)
            removed += dataset_files.sweep(session, self._blobs, SETTLED_SECONDS)
            removed += sweep_runs(session, self._blobs, self._settings, SETTLED_SECONDS)
            give_up_copies(session, COPY_SECONDS)
            remove_old_jobs(session, JOB_DAYS)
            rates.remove_old(session, time.time())
        removed += sweep_cache(self._settings)
        if removed:
            log.info("removed %d unreferenced files", removed)


def _announce(session: Session, requeued: list[Job]) -> None:
    for job in requeued:
        log.warning("job %s lost its worker and is queued again", job.id)
        ring_after_commit(session, job)
