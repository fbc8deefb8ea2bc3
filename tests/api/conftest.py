"""Servers: one on each kind of database that is made as new for each test, and a live one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from app.__main__ import background
from app.core.settings import Settings
from app.jobs.doorbell import make_doorbell
from tests.support.backend import wait_for
from tests.support.web import Api, running, shared_server


@pytest.fixture
def api() -> Api:
    """A server on SQLite with two models published and nothing else in it."""
    server = shared_server()
    server.reset()
    return server


@pytest.fixture(params=["sqlite", "postgres"])
def any_api(request: pytest.FixtureRequest) -> Api:
    """The same on each kind of database, for what each does in its own way."""
    if request.param == "sqlite":
        return request.getfixturevalue("api")
    server = shared_server(request.getfixturevalue("postgres"))
    server.reset()
    return server


@pytest.fixture
def analysis(api: Api) -> Any:
    """A finished analysis of a photo, as JSON."""
    found = api.analyse(api.upload()["id"])
    api.finish(found["id"])
    return api.client.get(found["links"]["self"]).json()


@pytest.fixture
def heatmaps(api: Api, analysis: Any) -> dict[tuple[str, str, str], Any]:
    """Its maps by model, stage and method."""
    items = api.client.get(analysis["links"]["heatmaps"]).json()["items"]
    return {(item["model"], item["stage"], item["method"]): item for item in items}


@pytest.fixture(scope="session")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """A server with a real worker behind it, all models of this machine published.

    It takes photos of one pixel, so that those that schemathesis makes are good ones.
    """
    home = tmp_path_factory.mktemp("live")
    settings = Settings(
        home=home,
        min_free_bytes=0,
        uploads_per_minute=0,
        analyses_per_minute=0,
        analyses_waiting=0,
        figures_per_minute=0,
        sign_ins_per_minute=0,
        min_side=1,
        load_ahead=False,
    )
    doorbell = make_doorbell(settings)
    with background(settings, doorbell), running(settings, doorbell) as server:
        wait_for(lambda: server.client.get("/readyz").status_code == 200, 120, every=0.2)
        yield server
