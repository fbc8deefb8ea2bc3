"""Many threads on one database, and what SQLite needs to be told."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import Engine, func, select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, sessionmaker

from app.core.settings import Settings
from app.db.engine import database_url, make_engine, make_sessions
from app.db.tables import Analysis, Job, Media
from tests.db.test_jobs import at_once
from tests.support.databases import add_analysis, add_medium

Sessions = sessionmaker[Session]


def test_many_threads_that_read_and_then_write_all_succeed(sessions: Sessions) -> None:
    def read_then_write(_: int) -> None:
        for _ in range(5):
            with sessions.begin() as session:
                session.scalar(select(func.count()).select_from(Media))
                add_medium(session)

    at_once(8, read_then_write)
    with sessions() as session:
        assert session.scalar(select(func.count()).select_from(Media)) == 40


def test_a_reader_does_not_wait_for_a_writer(engine: Engine, sessions: Sessions) -> None:
    readers = make_sessions(engine, read=True)
    with sessions.begin() as writer:
        add_medium(writer)
        with readers() as reader:
            assert reader.scalar(select(func.count()).select_from(Media)) == 0


def test_foreign_keys_hold_and_cascade(sessions: Sessions) -> None:
    with sessions.begin() as session:
        medium = add_medium(session)
        add_analysis(session, medium)
    with sessions.begin() as session:
        session.execute(text("DELETE FROM media"))
        assert session.scalar(select(func.count()).select_from(Analysis)) == 0
    with sessions() as session:
        add_analysis(session, add_medium(session))
        with pytest.raises(IntegrityError):
            session.execute(text("DELETE FROM jobs"))


def test_times_come_back_with_their_zone(sessions: Sessions) -> None:
    with sessions.begin() as session:
        job_id = add_analysis(session, add_medium(session)).job_id
    with sessions() as session:
        job = session.get(Job, job_id)
        assert job is not None
        assert job.created_at.tzinfo is not None


def test_sqlite_is_told_to_keep_what_it_was_given(tmp_path: Path) -> None:
    engine = make_engine(Settings(home=tmp_path))
    with engine.connect() as connection:
        pragmas = ("journal_mode", "synchronous", "foreign_keys")
        values = [connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in pragmas]
    assert values == ["wal", 2, 1]
    engine.dispose()


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
def test_any_way_to_write_postgresql_means_psycopg(scheme: str) -> None:
    url = database_url(Settings(database_url=f"{scheme}://u:p@h:5432/d"))
    assert url.drivername == "postgresql+psycopg"
    assert url.password == "p"
