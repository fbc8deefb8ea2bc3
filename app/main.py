"""The web application, made by `create_app`."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from fastapi import Depends, FastAPI, Request, Response
from sqlalchemy.orm import Session, sessionmaker

from app.core.security import Visitors, derive, load_secret
from app.core.settings import Settings
from app.db.engine import make_engine, make_sessions
from app.db.queries import standings
from app.db.tables import Analysis
from app.db.training import revisions
from app.db.training_tables import Dataset
from app.jobs.doorbell import Doorbell, attach, make_doorbell
from app.media.decoder.client import Decoder
from app.storage.blobs import LocalBlobs
from app.web.accounts import api as accounts_api
from app.web.accounts import invitation_pages, people_api
from app.web.accounts import pages as account_pages
from app.web.analyses import api as analyses_api
from app.web.analyses import exports_api, heatmaps_api, tracks_api
from app.web.analyses import pages as analysis_pages
from app.web.datasets import api as datasets_api
from app.web.datasets import pages as dataset_pages
from app.web.datasets import plan_api
from app.web.home import pages as home_pages
from app.web.http import errors, health, middleware, templating
from app.web.http.arrival import Arrivals
from app.web.http.bodies import BoundedBodies
from app.web.http.deps import StateDep
from app.web.http.identity import token_user
from app.web.http.metrics import CountRequests
from app.web.http.openapi import DESCRIPTION, install_openapi
from app.web.http.proxies import ClientAddress
from app.web.http.ratelimit import RateLimiter
from app.web.http.schemas import API
from app.web.http.state import AppState
from app.web.http.static import PREFIX, Static
from app.web.http.watch import Watch
from app.web.media import api as media_api
from app.web.models import api as models_api
from app.web.models import import_api
from app.web.models import pages as model_pages
from app.web.storage import api as storage_api
from app.web.storage import pages as storage_pages
from app.web.training import api as training_api
from app.web.training import pages as training_pages
from app.web.training import results_api, studies_api

ENDPOINTS = (  # in the order of the API's documentation
    media_api,
    models_api,
    analyses_api,
    exports_api,
    heatmaps_api,
    tracks_api,
    accounts_api,
    people_api,
    datasets_api,
    plan_api,
    training_api,
    studies_api,
    results_api,
    import_api,
    storage_api,
)
STUDY_SECONDS = 0.25  # between two reads of a study that somebody follows
Read = TypeVar("Read")
PAGES = (
    home_pages,
    analysis_pages,
    model_pages,
    account_pages,
    invitation_pages,
    dataset_pages,
    training_pages,
    storage_pages,
)


def create_app(settings: Settings | None = None, *, doorbell: Doorbell | None = None) -> FastAPI:
    """Return the application; the tables must exist (`app.db.migrate.upgrade`).

    Args:
        settings: By default those of the environment.
        doorbell: What wakes workers; by default one that the settings name.
    """
    web = make_web(settings or Settings(), doorbell)
    app = FastAPI(
        title="Sightline",
        version=templating.version(),
        description=DESCRIPTION,
        docs_url=None,  # FastAPI's own pages load scripts from another origin
        redoc_url=None,
        openapi_url=f"{API}/openapi.json",
        lifespan=_lifespan,
    )
    app.state.web = web
    for part in ENDPOINTS:
        app.include_router(part.router, prefix=API, dependencies=[Depends(token_user)])
    app.include_router(health.router)
    for part in PAGES:
        app.include_router(part.router)
    _add_files(app)
    install_openapi(app)
    errors.install(app)
    app.add_middleware(BoundedBodies, settings=web.settings)
    app.add_middleware(CountRequests, metrics=web.metrics)  # the last one added is the outermost
    app.add_middleware(middleware.HeadAsGet)
    app.add_middleware(middleware.SameOriginWrites)
    app.add_middleware(middleware.AllowedHosts, allowed=web.settings.hosts)
    app.add_middleware(middleware.SecurityHeaders)
    app.add_middleware(ClientAddress, trusted=web.settings.proxies)
    return app


def make_web(settings: Settings, doorbell: Doorbell | None) -> AppState:
    """Return the state that all requests share; nothing is connected yet."""
    engine = make_engine(settings)
    sessions = make_sessions(engine)
    bell = doorbell if doorbell is not None else make_doorbell(settings)
    attach(sessions, bell)
    static = Static(templating.ROOT / "static")
    secret = load_secret(settings)
    readers = make_sessions(engine, read=True)
    return AppState(
        settings=settings,
        engine=engine,
        sessions=sessions,
        readers=readers,
        blobs=LocalBlobs(settings.blob_dir),
        decoder=Decoder(settings),
        doorbell=bell,
        visitors=Visitors(secret),
        devices=Visitors(derive(secret, "devices")),
        arrivals=Arrivals(settings.open_uploads),
        watched_analyses=Watch(lambda ids: _read(readers, standings, Analysis, ids)),
        watched_datasets=Watch(lambda ids: _read(readers, standings, Dataset, ids)),
        watched_studies=Watch(lambda ids: _read(readers, revisions, ids), STUDY_SECONDS),
        static=static,
        templates=templating.make_environment(static),
        limiter=RateLimiter(sessions, readers),
    )


def _read(readers: sessionmaker[Session], query: Callable[..., Read], *arguments: Any) -> Read:
    with readers() as session:
        return query(session, *arguments)


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    web: AppState = app.state.web
    # In a thread: neither the first photo nor the server waits for the decoder to start.
    threading.Thread(target=web.decoder.warm, name="warm decoder", daemon=True).start()
    yield
    web.decoder.close()
    web.engine.dispose()


def _add_files(app: FastAPI) -> None:
    @app.get(f"{PREFIX}/{{path:path}}", include_in_schema=False)
    async def static_file(path: str, request: Request, web: StateDep) -> Response:
        return web.static.response(path, request)

    @app.get("/favicon.ico", include_in_schema=False)
    async def favicon(request: Request, web: StateDep) -> Response:
        return web.static.response("icon.svg", request)
