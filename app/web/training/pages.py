"""The pages of training, for users who are signed in, with what each template gets.

- `may`: {train, admin}: what this user may do; other controls are not shown.
- `data`: what the scripts need, for the JSON block: {may, urls: {api, colormaps}, ...}.

training.html.jinja: `form` (or None while no worker has published one); the newest studies in
  `data` as `studies`: {items, next}, as `GET /api/v1/studies`; and `costs`: {dataset id: {runs,
  steps, seconds}} of a study with all settings left alone.
training_new.html.jinja: `form`, `groups`: [{name, title, fields}], made from the form; a field
  with `kind` counts for datasets of that kind only.
training_study.html.jinja: `study`, as `GET /api/v1/studies/{id}`; in `data` too, with
  `method_titles`: {name: title} of every explanation method.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from fastapi import APIRouter, Request
from sqlalchemy.orm import Session
from starlette.responses import Response

from app.db import capabilities, datasets
from app.db import training as rows
from app.db.documents import LaunchForm
from app.jobs.states import State
from app.training import cost
from app.training.form import Form, clips_of
from app.web.http import pagination
from app.web.http.deps import ReadSession, StateDep
from app.web.http.principal import Principal, Reader
from app.web.http.schemas import API, Page
from app.web.http.state import AppState
from app.web.http.templating import page
from app.web.training import present
from app.web.training.find import ReadableStudy
from app.web.training.schemas import Study

router = APIRouter(include_in_schema=False, default_response_class=Response)
Context = dict[str, Any]
FIRST_STUDIES = 20
DATASETS = 100
GROUPS = (
    ("run", "The run"),
    ("optimiser", "Optimiser and learning rate"),
    ("data", "Images and batches"),
    ("network", "Network"),
)
APART = frozenset({"mechanism", "parameters", "stages", "seed"})  # with controls of their own


@router.get("/training")
def training(request: Request, session: ReadSession, web: StateDep, principal: Reader) -> Response:
    """Studies and the queue."""
    fetch = partial(rows.studies, session)
    first, following = pagination.fetch(fetch, FIRST_STUDIES, None)
    studies = Page[Study](items=present.studies(session, first), next=following)
    form = capabilities.launch_form(session)
    costs = _costs(session, form)
    context = _context(web, principal, studies=studies.model_dump(mode="json"), costs=costs)
    return page(request, "training.html.jinja", {**context, "form": form})


@router.get("/training/new")
def new(request: Request, session: ReadSession, web: StateDep, principal: Reader) -> Response:
    """The launch form."""
    form = capabilities.launch_form(session)
    context = _context(web, principal, form=form) | {"form": form, "groups": _groups(form)}
    return page(request, "training_new.html.jinja", context)


@router.get("/training/{study_id}")
def study_page(
    request: Request, study: ReadableStudy, session: ReadSession, web: StateDep, principal: Reader
) -> Response:
    """One study, live."""
    runs = rows.runs_of(session, [study.id])
    body = present.study(session, study, runs).model_dump(mode="json")
    titles = capabilities.method_titles(session)
    context = _context(web, principal, study=body, method_titles=titles) | {"study": body}
    return page(request, "training_study.html.jinja", context)


def _context(web: AppState, principal: Principal, **data: Any) -> Context:
    may = {"train": principal.may("train"), "admin": principal.may("admin")}
    urls = {"api": API, "colormaps": web.static.url("colormaps.json")}
    return {"page": "training", "may": may, "data": {"may": may, "urls": urls, **data}}


def _costs(session: Session, form: LaunchForm | None) -> dict[str, Context]:
    """Return what a study of each dataset that is ready would cost; nothing without a form."""
    if form is None:
        return {}
    known, ready = cost.speeds(session), datasets.page(session, DATASETS, None)
    return {
        row.id: cost.of_defaults(Form(form), row, known)._asdict()
        for row in ready
        if row.job.state == State.SUCCEEDED
    }


def _groups(form: LaunchForm | None) -> list[Context]:
    """Return the form's fields by group, in the form's order; unknown groups come last."""
    if form is None:
        return []
    clips = [{**field, "kind": "clips"} for field in clips_of(form)["fields"]]
    fields: list[Mapping[str, Any]] = [*form["fields"], *clips]
    fields = [field for field in fields if field["name"] not in APART]
    titles = dict(GROUPS)
    names = [*titles, *sorted({field["group"] for field in fields} - set(titles))]
    groups = [
        {
            "name": name,
            "title": titles.get(name, name.capitalize()),
            "fields": [field for field in fields if field["group"] == name],
        }
        for name in names
    ]
    return [group for group in groups if group["fields"]]
