"""A real server without pages: database, blobs, worker and reaper."""

from __future__ import annotations

import contextlib
import hashlib
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import psutil
import redis
from sqlalchemy import func, select

from app.__main__ import background
from app.core.settings import Settings
from app.db import analyses as analysis_rows
from app.db import jobs as job_rows
from app.db import models as model_rows
from app.db.engine import make_sessions
from app.db.tables import Analysis, Job, ModelCard, new_id
from app.jobs import service
from app.jobs.doorbell import attach, make_doorbell
from app.jobs.parameters import (
    INFERENCE,
    PREPARATION,
    TRAINING,
    AnalyseClipJob,
    AnalyseImageJob,
    AnalysisRequest,
    fingerprint,
)
from app.jobs.states import TERMINAL
from app.media.decoder.client import Decoder
from app.storage.blobs import LocalBlobs
from tests.conftest import redis_database
from tests.support.arriving import received
from tests.support.databases import open_migrated, postgres_database
from tests.support.encoding import encode

OWNER = "visitor"


def photo(seed: int = 0, size: tuple[int, int] = (640, 480)) -> bytes:
    """A JPEG of coloured boxes on a gradient."""
    random = np.random.default_rng(seed)
    across = np.linspace(0, 255, size[0])
    pixels = np.stack([np.tile(across, (size[1], 1))] * 3, -1)
    for _ in range(12):
        x, y = random.integers(0, size[0] - 40), random.integers(0, size[1] - 40)
        pixels[y : y + 80, x : x + 120] = random.integers(0, 255, 3)
    return encode(pixels.astype(np.uint8), quality=90)


def wait_for(true: Callable[[], object], seconds: float = 180.0, every: float = 0.05) -> None:
    """Wait until a condition holds, or fail."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(every)


class Server:
    """A server's parts, for tests to inspect."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.engine = open_migrated(settings)
        self.sessions = make_sessions(self.engine)
        self.readers = make_sessions(self.engine, read=True)
        self.blobs = LocalBlobs(settings.blob_dir)
        self.decoder = Decoder(settings)
        self.doorbell = make_doorbell(settings)
        attach(self.sessions, self.doorbell)

    def close(self) -> None:
        self.decoder.close()
        self.engine.dispose()

    def start(self) -> None:
        """Start everything that `python -m app` runs, and for Celery the worker."""
        self._running = contextlib.ExitStack()
        self._running.enter_context(serving(self))

    def stop(self) -> None:
        """Stop everything, and wait for the end."""
        self._running.close()

    def add_photo(self, data: bytes, owner: str = OWNER) -> str:
        arriving = received([data], self.blobs, self.decoder, self.settings, "a.jpg")
        with arriving as arrived, self.sessions.begin() as session:
            return arrived.keep(session, owner).id

    def models(self) -> list[str]:
        """Wait until a worker has published its models; return the ids of those of photos."""
        wait_for(lambda: self._count(ModelCard) > 0)
        with self.readers() as session:
            known = model_rows.all_cards(session)
        return [row.id for row in known if row.card["media"] == "image"]

    def ask(
        self,
        media_id: str,
        models: Sequence[str] | None = None,
        methods: Sequence[str] = ("attention", "gradcam"),
        size: int = 96,
        ring: bool = True,
        owner: str = OWNER,
        **job_values: object,
    ) -> str:
        """Enqueue an analysis and return its identifier.

        Without `ring`, its message is lost; `job_values` change columns of the job's row.
        """
        request = AnalysisRequest(
            media_id=media_id,
            models=list(models or self.models()),
            methods=list(methods),
            input_size=size,
            fit="shape",
        )
        return self.enqueue(request, ring=ring, owner=owner, **job_values)

    def enqueue(
        self,
        request: AnalysisRequest,
        *,
        ring: bool = True,
        owner: str = OWNER,
        **job_values: object,
    ) -> str:
        """Enqueue the analysis of a photo, or of a clip if the request has its options."""
        analysis_id = new_id()
        job_class = AnalyseImageJob if request.clip is None else AnalyseClipJob
        sessions = self.sessions if ring else make_sessions(self.engine)
        with sessions.begin() as session:
            job = service.enqueue(session, job_class(analysis_id=analysis_id), owner=owner)
            for name, value in job_values.items():
                setattr(job, name, value)
            session.add(
                Analysis(
                    id=analysis_id,
                    owner=owner,
                    media_id=request.media_id,
                    job_id=job.id,
                    request=request.model_dump(mode="json"),
                    fingerprint=fingerprint("0" * 64, request, dict.fromkeys(request.models, "")),
                )
            )
        return analysis_id

    def job(self, analysis_id: str) -> Job:
        with self.readers() as session:
            analysis = analysis_rows.get(session, analysis_id)
            assert analysis is not None
            job = job_rows.get(session, analysis.job_id)
            assert job is not None
            return job

    def cancel(self, analysis_id: str) -> bool:
        with self.sessions.begin() as session:
            analysis = analysis_rows.get(session, analysis_id)
            assert analysis is not None
            return service.request_cancel(session, analysis.job)

    def wait(self, analysis_id: str, seconds: float = 180.0) -> Job:
        """Wait until an analysis has ended, and return its job."""
        wait_for(lambda: self.job(analysis_id).state in TERMINAL, seconds)
        return self.job(analysis_id)

    def result(self, analysis_id: str) -> dict[str, object]:
        """All results of an analysis except times; maps as hashes of their bytes."""
        with self.readers() as session:
            maps = analysis_rows.heatmaps(session, analysis_id)
            predictions = analysis_rows.predictions(session, analysis_id)
        results: dict[str, object] = {}
        for row in maps:
            digest = hashlib.sha256(self.blobs.get(row.blob_key)).hexdigest()
            numbers = (row.shape, row.min, row.max, row.sum, row.entropy, row.target, row.layer)
            results[f"{row.model}/{row.stage}/{row.method}"] = (digest, numbers)
        for p in predictions:
            target = (p.target_index, p.target_name, p.target_logit, p.target_probability)
            results[p.model] = (p.top, target)
        return results

    def stray_blobs(self) -> list[str]:
        """Files that no row refers to, and unfinished ones."""
        from app.media.deletion import unreferenced

        keys = [k for prefix in ("media", "maps", "figures") for k in self.blobs.keys(prefix)]
        with self.readers() as session:
            unknown = unreferenced(session, keys)
        return [*unknown, *(path.name for path in (self.blobs.root / ".incoming").iterdir())]

    def holders(self) -> set[str]:
        """The workers with a running job, including dead ones that the reaper has not noticed."""
        with self.readers() as session:
            running = select(Job.claimed_by).where(Job.state == "running")
            return {name for name in session.scalars(running) if name}

    def _count(self, table: type) -> int:
        with self.readers() as session:
            return session.scalar(select(func.count()).select_from(table)) or 0


class CeleryWorker(threading.Thread):
    """A Celery worker that is restarted whenever it exits."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(daemon=True)
        self._environment = {**os.environ, **settings.as_environment()}
        self._stopping = threading.Event()
        self._process: subprocess.Popen[bytes] | None = None

    def run(self) -> None:
        queues = ",".join((INFERENCE, TRAINING, PREPARATION))
        options = f"-A worker.celery_app worker -P solo -Q {queues} --without-gossip"
        while not self._stopping.is_set():
            self._process = subprocess.Popen(
                [sys.executable, "-m", "celery", *options.split(), "--without-mingle"],
                env=self._environment,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            self._process.wait()

    def stop(self) -> None:
        self._stopping.set()
        if self._process is not None:
            self._process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(60)
            self._process.kill()
        self.join()


def worker_processes(server: Server, queue: str | None = None) -> list[psutil.Process]:
    """This server's worker processes, or its local one of a queue."""
    workers = []
    for child in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess, psutil.AccessDenied):
            command = " ".join(child.cmdline())
            ours = _home_of(child) in {str(server.settings.home), None}
            wanted = queue is None or f"--queue {queue}" in command or "celery_app" in command
            if ours and wanted and ("worker.local" in command or "worker.celery_app" in command):
                workers.append(child)
    return workers


def _home_of(worker: psutil.Process) -> str | None:
    """Return its folder; None unless root asks, since workers let nobody else look into them."""
    try:
        return worker.environ().get("SIGHTLINE_HOME", "")
    except psutil.AccessDenied:
        return None


def kill_workers(server: Server, queue: str | None = None) -> int:
    """Kill them with SIGKILL, as the kernel does when memory runs out; return how many."""
    doomed = worker_processes(server, queue)
    for process in doomed:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    return len(doomed)


@contextlib.contextmanager
def serving(server: Server) -> Iterator[None]:
    """Run the background threads of `python -m app`, and for Celery the worker."""
    celery = CeleryWorker(server.settings) if server.settings.queue == "celery" else None
    if celery is not None:
        celery.start()
    try:
        with background(server.settings, server.doorbell):
            yield
    finally:
        if celery is not None:
            celery.stop()


def home_settings(home: Path, **values: object) -> Settings:
    """Settings of a server with its own folder; the rest comes from the environment."""
    return Settings(home=home, min_free_bytes=0, **values)  # type: ignore[arg-type]


# A worker that restarts, as after every kill, loads only the models that are used.
QUICK = {"heartbeat_seconds": 0.2, "max_attempts": 100, "load_ahead": False}


@contextlib.contextmanager
def local_backend(home: Path) -> Iterator[Server]:
    """A running server: SQLite with local workers."""
    with _kept(Server(home_settings(home, **QUICK))) as server:
        yield server


@contextlib.contextmanager
def celery_backend(home: Path, postgres: str) -> Iterator[Server]:
    """A running server: PostgreSQL with a Celery worker on Redis."""
    with redis_database() as broker, postgres_database(postgres) as database:
        with redis.Redis.from_url(broker) as client:
            client.set("taken", 1)  # so that no other test takes the database for unused
        about = {"queue": "celery", "broker_url": broker, "database_url": database}
        with _kept(Server(home_settings(home, **QUICK, **about))) as server:
            yield server


@contextlib.contextmanager
def _kept(server: Server) -> Iterator[Server]:
    server.start()
    try:
        yield server
    finally:
        server.stop()
        server.close()
