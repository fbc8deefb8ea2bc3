"""Actions that run once a session's transaction has ended.

Workers are woken and files deleted only after a commit; files written for a transaction that is
rolled back are deleted with it. Actions do not use the database.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from sqlalchemy import event
from sqlalchemy.orm import Session, SessionTransaction, sessionmaker

log = logging.getLogger(__name__)
Action = Callable[[], object]


def after_commit(session: Session, action: Action) -> None:
    """Call `action` once the session's transaction has been committed; never on rollback."""
    session.info.setdefault("on_commit", []).append(action)


def after_rollback(session: Session, action: Action) -> None:
    """Call `action` if the session's transaction ends without a commit."""
    session.info.setdefault("on_rollback", []).append(action)


def install(sessions: sessionmaker[Session]) -> None:
    """Make the sessions of this factory run their actions."""
    event.listen(sessions, "after_commit", _committed)
    event.listen(sessions, "after_transaction_end", _ended)


def _committed(session: Session) -> None:
    if session.in_nested_transaction():  # a savepoint was released: nothing is durable yet
        return
    session.info.pop("on_rollback", None)
    _run(session.info.pop("on_commit", []))


def _ended(session: Session, transaction: SessionTransaction) -> None:
    if transaction.parent is not None:
        return
    session.info.pop("on_commit", None)
    _run(session.info.pop("on_rollback", []))


def _run(actions: list[Any]) -> None:
    for action in actions:
        try:
            action()
        except Exception:  # the transaction has ended and cannot be undone
            log.exception("an action after the transaction failed")
