"""Migrates the database to the present tables; of several processes that start, one does it."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock
from sqlalchemy import Connection, Engine, inspect, text

from app.core.home import make_home
from app.core.settings import Settings

log = logging.getLogger(__name__)
SCRIPTS = Path(__file__).parents[2] / "migrations"
LOCK = 0x5167_4874  # an arbitrary constant


def head() -> str:
    """Return the newest revision, which is in the file's name."""
    return max(path.stem for path in (SCRIPTS / "versions").glob("[0-9]*.py"))[:4]


def upgrade(engine: Engine, settings: Settings) -> None:
    """Create or migrate the tables."""
    with engine.connect() as connection:
        if _revision(connection) == head():  # the usual case, without the 5 MB that Alembic takes
            return
    with _locked(engine, settings):
        from alembic import command
        from alembic.config import Config

        config = Config()
        config.set_main_option("script_location", str(SCRIPTS))
        with engine.begin() as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
    log.info("the database is at revision %s", head())


def _revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    revision: str | None = connection.scalar(text("SELECT version_num FROM alembic_version"))
    return revision


@contextmanager
def _locked(engine: Engine, settings: Settings) -> Iterator[None]:
    """Hold the lock that the processes of this database share."""
    if engine.dialect.name == "postgresql":
        with engine.begin() as connection:
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": LOCK})
            yield
        return
    make_home(settings.home)
    with FileLock(settings.home / "migrate.lock"):
        yield
