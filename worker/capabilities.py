"""Telling the web what this worker's models are, and what it can train."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from sqlalchemy.orm import Session, sessionmaker

from app.db import capabilities
from app.db import models as rows
from ml.catalogue import Entry
from ml.train.form import form


def publish(sessions: sessionmaker[Session], entries: Mapping[str, Entry]) -> None:
    """Write a row a model; rows that are right already stay untouched."""
    cards = [entry.card() for entry in entries.values()]
    with sessions.begin() as session:
        rows.publish(session, cards)


def offer_training(sessions: sessionmaker[Session], weights: Sequence[Path]) -> None:
    """Write the launch form: mechanisms, their parameters, and everything else of a run.

    weights: folders that may hold the ImageNet weights.
    """
    offered = form(weights)
    with sessions.begin() as session:
        capabilities.put(session, capabilities.TRAINING, offered)
