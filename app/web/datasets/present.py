"""Datasets as the API's schemas."""

from __future__ import annotations

from app.db.training_tables import Dataset
from app.web.datasets import schemas
from app.web.http.schemas import API


def dataset(row: Dataset) -> schemas.Dataset:
    """Return a dataset with its import's state."""
    job = row.job
    address = f"{API}/datasets/{row.id}"
    links = schemas.DatasetLinks(
        self=address,
        events=f"{address}/events",
        images=f"{address}/images",
        page=f"/datasets/{row.id}",
    )
    of_row = ("id", "name", "source", "kind", "classes", "train_images", "val_images", "bytes")
    of_row += ("report", "fingerprint", "created_at", "created_by")  # type: ignore[assignment]
    of_job = ("state", "progress", "message", "revision", "error", "detail")
    values = {name: getattr(row, name) for name in of_row}
    values |= {name: getattr(job, name) for name in of_job}
    return schemas.Dataset.model_validate({**values, "links": links})
