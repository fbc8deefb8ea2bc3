"""Dependencies that return the dataset of the address, for those who may have it."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends
from sqlalchemy.orm import Session

from app.core.errors import NotFound
from app.db import datasets as rows
from app.db.training_tables import Dataset
from app.web.http.deps import ReadSession, WriteSession
from app.web.http.parameters import PathId
from app.web.http.principal import Reader, Trainer


def _find(session: Session, dataset_id: str) -> Dataset:
    if (row := rows.get(session, dataset_id)) is None:
        raise NotFound("There is no dataset with this id. It may have been deleted.")
    return row


def _readable(dataset_id: PathId, _: Reader, session: ReadSession) -> Dataset:
    return _find(session, dataset_id)


def _trainable(dataset_id: PathId, _: Trainer, session: WriteSession) -> Dataset:
    return _find(session, dataset_id)


ReadableDataset = Annotated[Dataset, Depends(_readable)]
TrainableDataset = Annotated[Dataset, Depends(_trainable)]
