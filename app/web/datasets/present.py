"""Datasets as the API's schemas."""

from __future__ import annotations

from app.db.training_tables import Dataset
from app.web.datasets import schemas
from app.web.http.schemas import API, columns


def dataset(row: Dataset) -> schemas.Dataset:
    """Return a dataset with its import's state."""
    address = f"{API}/datasets/{row.id}"
    links = schemas.DatasetLinks(
        self=address,
        events=f"{address}/events",
        images=f"{address}/images",
        plan=f"{address}/plan",
        page=f"/datasets/{row.id}",
    )
    facts = columns(row.job, schemas.Dataset) | columns(row, schemas.Dataset)
    return schemas.Dataset.model_validate({**facts, "links": links})
