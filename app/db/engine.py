"""The engine and its sessions, on SQLite or PostgreSQL; one engine for each process."""

from __future__ import annotations

import sqlite3
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.orm import Session, sessionmaker

from app.core.home import make_home
from app.core.settings import Settings
from app.db import hooks

BUSY_SECONDS = 15.0


def database_url(settings: Settings) -> URL:
    """Return the database's URL with its driver: sqlite3, or psycopg for PostgreSQL."""
    url = make_url(settings.sqlalchemy_url)
    if url.drivername in {"postgres", "postgresql"}:
        return url.set(drivername="postgresql+psycopg")
    return url


def make_engine(settings: Settings) -> Engine:
    """Return a new engine, which connects when it is first used."""
    url = database_url(settings)
    if url.get_backend_name() != "sqlite":
        return create_engine(url, pool_pre_ping=True, pool_size=10, max_overflow=20)
    make_home(settings.home)
    engine = create_engine(
        url, connect_args={"timeout": BUSY_SECONDS, "isolation_level": None}, pool_size=20
    )
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def make_sessions(engine: Engine, *, read: bool = False) -> sessionmaker[Session]:
    """Return a factory of sessions; with `read` they never wait for a writer.

    On SQLite a session takes the write lock when it begins, because a transaction that reads first
    and writes later can fail; a session with `read` does not.
    """
    bind = engine.execution_options(sightline_read=True) if read else engine
    sessions = sessionmaker(bind, expire_on_commit=False)
    hooks.install(sessions)
    return sessions


def _prepare_sqlite(connection: sqlite3.Connection, _record: Any) -> None:
    cursor = connection.cursor()
    for pragma in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    reading = connection.get_execution_options().get("sightline_read", False)
    connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")
