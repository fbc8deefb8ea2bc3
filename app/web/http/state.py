"""The state that all requests share; made once by `create_app`."""

from __future__ import annotations

from dataclasses import dataclass, field

import anyio
from jinja2 import Environment
from sqlalchemy import Engine
from sqlalchemy.orm import Session, sessionmaker
from starlette.requests import Request

from app.core.security import Visitors
from app.core.settings import Settings
from app.jobs.doorbell import Doorbell
from app.media.decoder.client import Decoder
from app.storage.blobs import BlobStore
from app.web.http.arrival import Arrivals
from app.web.http.metrics import Metrics
from app.web.http.pending_jobs import PendingJobs
from app.web.http.ratelimit import RateLimiter
from app.web.http.render_cache import RenderCache
from app.web.http.static import Static
from app.web.http.watch import Watch

UPLOADS_AT_ONCE = 16  # that write to the disk or are decoded
HASHES_AT_ONCE = 2  # of passwords; each takes 64 MB and 0.1 s
DRAWINGS_AT_ONCE = 4  # one of 2048 pixels takes about 40 MB


@dataclass
class AppState:
    """The parts of a running application."""

    settings: Settings
    engine: Engine
    sessions: sessionmaker[Session]
    readers: sessionmaker[Session]
    blobs: BlobStore
    decoder: Decoder
    doorbell: Doorbell
    visitors: Visitors
    devices: Visitors  # browsers that have signed in
    static: Static
    templates: Environment
    arrivals: Arrivals
    watched_analyses: Watch[tuple[int, str]]
    watched_datasets: Watch[tuple[int, str]]
    watched_studies: Watch[list[tuple[str, int, str, int, int]]]
    limiter: RateLimiter
    cache: RenderCache = field(default_factory=RenderCache)
    pending: PendingJobs = field(default_factory=PendingJobs)
    metrics: Metrics = field(default_factory=Metrics)
    uploads: anyio.CapacityLimiter = field(
        default_factory=lambda: anyio.CapacityLimiter(UPLOADS_AT_ONCE)
    )
    hashing: anyio.CapacityLimiter = field(
        default_factory=lambda: anyio.CapacityLimiter(HASHES_AT_ONCE)
    )
    drawing: anyio.CapacityLimiter = field(
        default_factory=lambda: anyio.CapacityLimiter(DRAWINGS_AT_ONCE)
    )


def app_state(request: Request) -> AppState:
    """Return the state of the application that handles this request."""
    web = request.app.state.web
    assert isinstance(web, AppState)
    return web
