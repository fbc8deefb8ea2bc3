"""The real web application on a real port in this process, with synthetic results."""

from __future__ import annotations

import atexit
import io
import shutil
import socket
import tempfile
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import uvicorn
from sqlalchemy import delete
from sqlalchemy.orm import Session

from app.core.settings import Settings
from app.db import analyses as rows
from app.db import capabilities
from app.db import jobs as job_rows
from app.db import models as model_rows
from app.db.tables import Base, Prediction
from app.jobs.doorbell import Doorbell
from app.main import create_app
from app.web.http.connections import limited
from app.web.http.examples import MODEL
from app.web.http.render_cache import RenderCache
from app.web.http.state import AppState
from tests.support.backend import photo, wait_for
from tests.support.databases import open_migrated, postgres_database
from tests.support.server_settings import SERVERS

CLASSES = ["tench", "church", "parachute"]
STAGES = ("early", "medium", "late", "combined")
UNITS = {"attention": "share", "gradcam": "evidence"}
METHODS = {
    "attention": {"title": "learnt mask", "kind": "learnt", "description": "A mask."},
    "gradcam": {"title": "Grad-CAM", "kind": "evidence", "description": "Evidence."},
}
GRIDS = {"early": 4, "medium": 3, "late": 2, "combined": 8}


class Api:
    """A running server; `client` is one visitor, `visitor()` another."""

    def __init__(
        self, settings: Settings, doorbell: Doorbell | None = None, *, migrate: bool = True
    ) -> None:
        self.settings = settings
        if migrate:
            open_migrated(settings).dispose()
        self.app = create_app(settings, doorbell=doorbell)
        self.web: AppState = self.app.state.web
        listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        SERVERS[self.url] = settings
        config = uvicorn.Config(
            self.app,
            http=limited(settings),
            ws="none",
            log_config=None,
            proxy_headers=False,
            timeout_graceful_shutdown=1,
        )
        self._server = uvicorn.Server(config)
        serve = {"target": self._server.run, "kwargs": {"sockets": [listener]}}
        self._thread = threading.Thread(**serve, daemon=True)  # type: ignore[arg-type]
        self._thread.start()
        wait_for(lambda: self._server.started)
        self.client = self.visitor()

    def visitor(self, **options: Any) -> httpx.Client:
        """A client with its own cookies."""
        return httpx.Client(base_url=self.url, timeout=60, **options)

    def reset(self) -> None:
        """Delete everything, publish two models, and make `client` a new visitor."""
        with self.web.sessions.begin() as session:
            for table in reversed(Base.metadata.sorted_tables):
                session.execute(delete(table))
        for name in files_of(self.settings):
            (self.settings.blob_dir / name).unlink()
        self.web.sessions.configure(info={"doorbell": self.web.doorbell})
        self.web.cache = RenderCache()
        self.publish("plain", "gated")
        self.client.close()
        self.client = self.visitor()

    def answered(self, method: str, route: str, status: int) -> float:
        """The server's count of requests with this method, route and status."""
        labels = f'{{method="{method}",route="/api/v1{route}",status="{status}"}} '
        _, _, rest = self.web.metrics.text([]).decode().partition(f"requests_total{labels}")
        return float(rest.partition("\n")[0] or 0)

    def close(self) -> None:
        self._server.should_exit = True
        self._thread.join(timeout=10)
        self.client.close()

    def upload(self, data: bytes | None = None, client: httpx.Client | None = None) -> Any:
        """Upload a photo and return its JSON."""
        files = {"file": ("photo.jpg", photo() if data is None else data)}
        response = (client or self.client).post("/api/v1/media", files=files)
        assert response.status_code in (200, 201), response.text
        return response.json()

    def analyse(self, media_id: str, client: httpx.Client | None = None, **fields: Any) -> Any:
        """Request an analysis and return its JSON."""
        body = {"media_id": media_id, **fields}
        response = (client or self.client).post("/api/v1/analyses", json=body)
        assert response.status_code in (200, 202), response.text
        return response.json()

    def publish(self, *models: str, **changes: Any) -> None:
        """Publish the cards of models, as a worker does when it starts."""
        with self.web.sessions.begin() as session:
            model_rows.publish(session, [card(n, name, **changes) for n, name in enumerate(models)])
            capabilities.put(session, capabilities.METHODS, METHODS)

    def finish(self, analysis_id: str) -> None:
        """Claim an analysis, add all results, and finish it, as a worker does."""
        with self.web.sessions.begin() as session:
            job_id = rows.get(session, analysis_id).job_id  # type: ignore[union-attr]
            assert job_rows.claim(session, job_id, "worker") is not None
        self.work(analysis_id)
        with self.web.sessions.begin() as session:
            rows.set_provenance(session, analysis_id, {"checkpoints": {"plain": "0" * 64}})
            assert job_rows.finish(session, job_id, "worker", "succeeded")

    def work(self, analysis_id: str) -> None:
        """Add every model's results."""
        with self.web.readers() as session:
            analysis = rows.get(session, analysis_id)
            assert analysis is not None
        for number, model in enumerate(analysis.request["models"]):
            with self.web.sessions.begin() as session:
                done = (number + 1) / len(analysis.request["models"])
                assert job_rows.advance(session, analysis.job_id, "worker", done, f"{model} done")
                self._add_results(session, analysis_id, model)

    def _add_results(self, session: Session, analysis_id: str, model: str) -> None:
        maps = [
            self._heatmap(analysis_id, model, stage, method)
            for stage in STAGES
            for method in (("gradcam",) if model == "plain" else ("attention", "gradcam"))
        ]
        top = [{"index": i, "name": n, "probability": 0.5 / (i + 1)} for i, n in enumerate(CLASSES)]
        said = Prediction(
            analysis_id=analysis_id,
            model=model,
            top=top,
            target_index=0,
            target_name="tench",
            target_logit=3.5,
            target_probability=0.5,
            seconds=0.01,
        )
        rows.add_result(session, said, maps)

    def _heatmap(self, analysis_id: str, model: str, stage: str, method: str) -> dict[str, Any]:
        values = values_of(stage, method)
        key = f"maps/{analysis_id}/{model}-{stage}-{method}.npy"
        self.web.blobs.put(key, npy(values))
        exact = values.astype(np.float64)
        return {
            "analysis_id": analysis_id,
            "model": model,
            "stage": stage,
            "method": method,
            "unit": "combined" if stage == "combined" else UNITS[method],
            "layer": "features.6",
            "shape": list(values.shape),
            "min": float(exact.min()),
            "max": float(exact.max()),
            "sum": float(exact.sum()),
            "entropy": 2.0,
            "target": "tench" if method == "gradcam" else None,
            "blob_key": key,
        }


def values_of(stage: str, method: str) -> np.ndarray:
    """A map: evidence from -1 upwards, or a mask that sums to 1."""
    side = GRIDS[stage]
    ramp = np.arange(side * side, dtype=np.float32).reshape(side, side)
    values = ramp / 4 - 1 if method == "gradcam" else ramp / ramp.sum()
    return values.astype(np.float16)


def npy(values: np.ndarray) -> bytes:
    """The bytes of an NPY file."""
    file = io.BytesIO()
    np.save(file, values, allow_pickle=False)
    return file.getvalue()


def card(position: int, name: str, **changes: Any) -> dict[str, Any]:
    """A model's card."""
    methods = ["gradcam"] if name == "plain" else ["attention", "gradcam", "hirescam"]
    return {
        **MODEL,
        "id": name,
        "position": position,
        "title": name.title(),
        "classes": CLASSES,
        "methods": methods,
        **changes,
    }


def files_of(settings: Settings) -> set[str]:
    """Every file under `HOME/blobs`, unfinished ones included."""
    paths = settings.blob_dir.rglob("*")
    return {path.relative_to(settings.blob_dir).as_posix() for path in paths if path.is_file()}


@contextmanager
def running(
    settings: Settings, doorbell: Doorbell | None = None, *, migrate: bool = True
) -> Iterator[Api]:
    """A server, stopped afterwards."""
    api = Api(settings, doorbell, migrate=migrate)
    try:
        yield api
    finally:
        api.close()


@cache
def shared_server(postgres: str = "") -> Api:
    """The server that tests share; call `reset` before each.

    On SQLite, or on a new database of the PostgreSQL server at that address.
    """
    home = Path(tempfile.mkdtemp(prefix="sightline-shared-"))
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, home, ignore_errors=True)
        url = stack.enter_context(postgres_database(postgres)) if postgres else ""
        # No worker empties its queue; `tests/api/test_limits.py` has the limits.
        about = {"database_url": url, "min_free_bytes": 0, "analyses_waiting": 0}
        settings = Settings(home=home, **about)  # type: ignore[arg-type]
        api = stack.enter_context(running(settings))
        atexit.register(stack.pop_all().close)
    return api
