"""The pages of datasets, with what each template gets.

datasets.html.jinja
- `datasets`: [Dataset JSON], newest first; `next`: cursor of the older ones or None; `first`:
  whether these are the newest; `folders`: names under SIGHTLINE_DATA; `may_train`: whether this
  principal may add and delete; `limits`: {max_archive_bytes}.

dataset.html.jinja
- `dataset`: Dataset JSON; `plan`: Plan JSON while it waits for a decision, else None; `may_train`;
  `used`: whether a study uses it; `data`: {dataset} for the JSON block. Image `i` of a class and
  split follows from the counts: images are sorted by class.
"""

from __future__ import annotations

from functools import partial

from fastapi import APIRouter, Request
from starlette.responses import Response

from app.datasets.importing.folders import dataset_folders
from app.db import datasets as rows
from app.web.datasets import present
from app.web.datasets.find import ReadableDataset
from app.web.datasets.plan import waiting_plan
from app.web.http import pagination
from app.web.http.deps import ReadSession, StateDep
from app.web.http.parameters import Cursor
from app.web.http.principal import Reader
from app.web.http.templating import page

router = APIRouter(include_in_schema=False, default_response_class=Response)
PART = 50


@router.get("/datasets")
def datasets(
    request: Request, session: ReadSession, web: StateDep, principal: Reader, cursor: Cursor = None
) -> Response:
    """All datasets, and the ways to bring another."""
    shown, following = pagination.fetch(partial(rows.page, session), PART, cursor)
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
def dataset_page(
    request: Request,
    dataset: ReadableDataset,
    session: ReadSession,
    web: StateDep,
    principal: Reader,
) -> Response:
    """One dataset: its import, classes, images and report."""
    body = present.dataset(dataset).model_dump(mode="json")
    waits = dataset.job.state == "paused"
    context = {
        "page": "datasets",
        "dataset": body,
        "plan": waiting_plan(web, dataset).model_dump(mode="json") if waits else None,
        "may_train": principal.may("train"),
        "used": rows.is_used(session, dataset.id),
        "data": {"dataset": body},
    }
    return page(request, "dataset.html.jinja", context)
