"""Looking datasets up for an endpoint or a page."""

from __future__ import annotations

from sqlalchemy.orm import Session

from app.core.errors import NotFound
from app.db import datasets as rows
from app.db.training_tables import Dataset


def find_dataset(session: Session, dataset_id: str) -> Dataset:
    """Return a dataset with its job; NotFound."""
    if (row := rows.get(session, dataset_id)) is None:
        raise NotFound("There is no dataset with this id. It may have been deleted.")
    return row
