"""The pages of datasets.

datasets.html.jinja
- `datasets`: [Dataset JSON], newest first; `next`: cursor of the older ones or none; `first`:
  whether these are the newest; `folders`: names under SIGHTLINE_DATA; `may_train`: whether this
  principal may add and delete; `limits`: {max_archive_bytes}.

dataset.html.jinja
- `dataset`: Dataset JSON; `may_train`; `used`: whether a study uses it; `data`: {dataset} for the
  JSON block. Image `i` of a class and split follows from the counts: images are sorted by class.
"""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from app.datasets.importing.folders import dataset_folders
from app.db import datasets as rows
from app.web.datasets import present
from app.web.datasets.find import find_dataset
from app.web.http import pagination
from app.web.http.deps import ReadSession, StateDep
from app.web.http.parameters import Cursor, PathId
from app.web.http.principal import Reader
from app.web.http.templating import page

router = APIRouter(include_in_schema=False, default_response_class=Response)
PART = 50


@router.get("/datasets")
def datasets(
    request: Request, session: ReadSession, web: StateDep, principal: Reader, cursor: Cursor = None
) -> Response:
    """All datasets, and the ways to bring another."""
    found = rows.page(session, PART + 1, pagination.decode(cursor))
    shown, following = pagination.cut(found, PART)
    context = {
        "page": "datasets",
        "datasets": [present.dataset(row).model_dump(mode="json") for row in shown],
        "next": following,
        "first": cursor is None,
        "folders": dataset_folders(web.settings),
        "may_train": principal.may("train"),
        "limits": {"max_archive_bytes": web.settings.max_archive_bytes},
    }
    return page(request, "datasets.html.jinja", context)


@router.get("/datasets/{dataset_id}")
def dataset(
    request: Request, dataset_id: PathId, session: ReadSession, principal: Reader
) -> Response:
    """One dataset: its import, classes, images and report."""
    row = find_dataset(session, dataset_id)
    body = present.dataset(row).model_dump(mode="json")
    context = {
        "page": "datasets",
        "dataset": body,
        "may_train": principal.may("train"),
        "used": rows.is_used(session, row.id),
        "data": {"dataset": body},
    }
    return page(request, "dataset.html.jinja", context)
