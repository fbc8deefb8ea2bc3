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


def note(session: Session, calls: list[str]) -> None:
    add_medium(session)
    after_commit(session, lambda: calls.append("committed"))
    after_rollback(session, lambda: calls.append("rolled back"))


def test_a_commit_tells_once(sessions: Sessions) -> None:
    calls: list[str] = []
    with sessions() as session:
        note(session, calls)
        assert calls == []
        session.commit()
        assert calls == ["committed"]
        add_medium(session)
        session.commit()
    assert calls == ["committed"]


def test_a_rollback_tells_the_other(sessions: Sessions) -> None:
    calls: list[str] = []
    with sessions() as session:
        note(session, calls)
        session.rollback()
        assert calls == ["rolled back"]
        add_medium(session)
        session.commit()
    assert calls == ["rolled back"]


def test_closing_without_a_commit_is_a_rollback(sessions: Sessions) -> None:
    calls: list[str] = []
    with sessions() as session:
        note(session, calls)
    assert calls == ["rolled back"]


def test_a_failing_commit_is_a_rollback(sessions: Sessions) -> None:
    calls: list[str] = []
    with sessions() as session:
        note(session, calls)
        add_medium(session).blob_key = None  # type: ignore[assignment]
        with pytest.raises(IntegrityError):
            session.commit()
    assert calls == ["rolled back"]


def test_a_savepoint_is_no_commit(sessions: Sessions) -> None:
    calls: list[str] = []
    with sessions() as session:
        with session.begin_nested():
            note(session, calls)
        assert calls == []
        session.rollback()
    assert calls == ["rolled back"]


def test_one_action_that_fails_does_not_stop_the_next(sessions: Sessions) -> None:
    calls: list[str] = []
    with sessions() as session:
        add_medium(session)
        after_commit(session, lambda: 1 / 0)
        after_commit(session, lambda: calls.append("still calls"))
        session.commit()
    assert calls == ["still calls"]
