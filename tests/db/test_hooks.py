"""What happens after a transaction happens exactly then."""

from __future__ import annotations

import pytest
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, sessionmaker

from app.db.hooks import after_commit, after_rollback
from tests.support.databases import add_medium
from tests.support.databases import sqlite_settings as settings

__all__ = ["settings"]

Sessions = sessionmaker[Session]


def note(session: Session, told: list[str]) -> None:
    add_medium(session)
    after_commit(session, lambda: told.append("committed"))
    after_rollback(session, lambda: told.append("rolled back"))


def test_a_commit_tells_once(sessions: Sessions) -> None:
    told: list[str] = []
    with sessions() as session:
        note(session, told)
        assert told == []
        session.commit()
        assert told == ["committed"]
        add_medium(session)
        session.commit()
    assert told == ["committed"]


def test_a_rollback_tells_the_other(sessions: Sessions) -> None:
    told: list[str] = []
    with sessions() as session:
        note(session, told)
        session.rollback()
        assert told == ["rolled back"]
        add_medium(session)
        session.commit()
    assert told == ["rolled back"]


def test_closing_without_a_commit_is_a_rollback(sessions: Sessions) -> None:
    told: list[str] = []
    with sessions() as session:
        note(session, told)
    assert told == ["rolled back"]


def test_a_failing_commit_is_a_rollback(sessions: Sessions) -> None:
    told: list[str] = []
    with sessions() as session:
        note(session, told)
        add_medium(session).blob_key = None  # type: ignore[assignment]
        with pytest.raises(IntegrityError):
            session.commit()
    assert told == ["rolled back"]


def test_a_savepoint_is_no_commit(sessions: Sessions) -> None:
    told: list[str] = []
    with sessions() as session:
        with session.begin_nested():
            note(session, told)
        assert told == []
        session.rollback()
    assert told == ["rolled back"]


def test_one_action_that_fails_does_not_stop_the_next(sessions: Sessions) -> None:
    told: list[str] = []
    with sessions() as session:
        add_medium(session)
        after_commit(session, lambda: 1 / 0)
        after_commit(session, lambda: told.append("still told"))
        session.commit()
    assert told == ["still told"]
