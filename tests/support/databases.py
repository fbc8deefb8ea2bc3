"""Databases for tests: copies of a SQLite and a PostgreSQL database that are migrated once."""

from __future__ import annotations

import atexit
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import pytest
from sqlalchemy import Connection, Engine, create_engine, make_url, text
from sqlalchemy.orm import Session, sessionmaker

from app.core.settings import Settings
from app.db.engine import make_engine, make_sessions
from app.db.migrate import upgrade
from app.db.tables import Analysis, Job, Media, new_id


@pytest.fixture(params=["sqlite", "postgres"])
def settings(request: pytest.FixtureRequest, tmp_path: Path) -> Settings:
    """Settings of a separate server, on each kind of database."""
    url = request.getfixturevalue("postgres_url") if request.param == "postgres" else ""
    return Settings(home=tmp_path, database_url=url, min_free_bytes=0)


@pytest.fixture
def sqlite_settings(tmp_path: Path) -> Settings:
    """Settings of a separate server on SQLite, if the kind of database does not matter."""
    return Settings(home=tmp_path, database_url="", min_free_bytes=0)


@cache
def _migrated_file() -> Path:
    """A SQLite database with all tables and no rows; made once per process."""
    folder = Path(tempfile.mkdtemp(prefix="sightline-template-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    settings = Settings(home=folder, database_url="")
    engine = make_engine(settings)
    upgrade(engine, settings)
    engine.dispose()  # the last connection writes the log into the file
    return folder / "sightline.sqlite3"


def open_migrated(settings: Settings) -> Engine:
    """The engine of a server's migrated database; a new SQLite file is copied from the template."""
    file = settings.home / "sightline.sqlite3"
    if not settings.database_url and not file.exists():
        settings.home.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(_migrated_file(), file)
    engine = make_engine(settings)
    upgrade(engine, settings)
    return engine


@cache
def _migrated_name(server: str) -> str:
    """The name of the template database on a PostgreSQL server; made once per process."""
    name = _new_name()
    with _administering(server) as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    atexit.register(_drop, server, name)
    settings = Settings(database_url=_address(server, name))
    engine = make_engine(settings)
    upgrade(engine, settings)
    engine.dispose()
    return name


@contextmanager
def postgres_database(server: str, *, migrated: bool = True) -> Iterator[str]:
    """The URL of a new database on a PostgreSQL server, which is dropped afterwards."""
    name = _new_name()
    copied = f" TEMPLATE {_migrated_name(server)}" if migrated else ""
    with _administering(server) as connection:
        connection.execute(text(f"CREATE DATABASE {name}{copied}"))
    try:
        yield _address(server, name)
    finally:
        _drop(server, name)


def _new_name() -> str:
    return f"sightline_test_{secrets.token_hex(6)}"


def _address(server: str, name: str) -> str:
    return make_url(server).set(database=name).render_as_string(hide_password=False)


def _drop(server: str, name: str) -> None:
    with _administering(server) as connection:
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))


@contextmanager
def _administering(server: str) -> Iterator[Connection]:
    engine = create_engine(server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        yield connection
    engine.dispose()


@pytest.fixture
def engine(settings: Settings) -> Iterator[Engine]:
    """A migrated database."""
    engine = open_migrated(settings)
    yield engine
    engine.dispose()


@pytest.fixture
def sessions(engine: Engine) -> sessionmaker[Session]:
    """Sessions that write."""
    return make_sessions(engine)


def add_medium(session: Session, owner: str = "visitor") -> Media:
    """A medium whose blobs do not exist."""
    media_id = new_id()
    medium = Media(
        id=media_id,
        owner=owner,
        kind="image",
        filename="a.jpg",
        format="JPEG",
        content_type="image/jpeg",
        width=10,
        height=10,
        frames=1,
        bytes=1,
        sha256="0" * 64,
        blob_key=f"media/{media_id}/original",
        view_key=f"media/{media_id}/view.jpg",
    )
    session.add(medium)
    session.flush()
    return medium


def add_analysis(session: Session, medium: Media, state: str = "queued") -> Analysis:
    """An analysis of the medium, with its job in this state."""
    job = Job(id=new_id(), kind="analyse_image", queue="inference", params={}, state=state)
    analysis = Analysis(
        id=new_id(),
        owner=medium.owner,
        media_id=medium.id,
        job_id=job.id,
        request={},
        fingerprint="f" * 64,
    )
    session.add(job)
    session.flush()
    session.add(analysis)
    session.flush()
    return analysis
