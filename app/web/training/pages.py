"""The pages of training; the templates' context follows. All of them need somebody signed in.

- `may`: {train, admin}: what this person may do; what may not be done is not shown.
- `data`: what the scripts need, for the JSON block: {may, urls: {api, colormaps}, ...}.

training.html.jinja: `form` (or none while no worker has published one); the newest studies in
  `data` as `studies`: {items, next}, as `GET /api/v1/studies`.
training_new.html.jinja: `form`, `groups`: [{name, title, fields}], made from the form; a field
  with `kind` counts for datasets of that kind only.
training_study.html.jinja: `study`, as `GET /api/v1/studies/{id}`; in `data` too.
"""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from sqlalchemy.orm import Session
from starlette.responses import Response

from app.db import capabilities
from app.db import training as rows
from app.training import control
from app.training.form import clips_of
from app.web.http import pagination
from app.web.http.deps import ReadSession, StateDep
from app.web.http.parameters import PathId
from app.web.http.principal import Principal, Reader
from app.web.http.schemas import API, Page
from app.web.http.state import AppState
from app.web.http.templating import page
from app.web.training import present
from app.web.training.schemas import Study

router = APIRouter(include_in_schema=False, default_response_class=Response)
Context = dict[str, Any]
SHOWN = 20  # studies on the first page
GROUPS = (
    ("run", "The run"),
    ("optimiser", "Optimiser and learning rate"),
    ("data", "Images and batches"),
    ("network", "Network"),
)
APART = frozenset({"mechanism", "parameters", "stages", "seed"})  # they have controls of their own


@router.get("/training")
def training(request: Request, session: ReadSession, web: StateDep, principal: Reader) -> Response:
    """Studies and the queue."""
    part, following = pagination.cut(rows.studies(session, SHOWN + 1), SHOWN)
    studies = Page[Study](items=present.studies(session, part), next=following)
    context = _context(web, principal, studies=studies.model_dump(mode="json"))
    return page(request, "training.html.jinja", {**context, "form": _form(session)})


@router.get("/training/new")
def new(request: Request, session: ReadSession, web: StateDep, principal: Reader) -> Response:
    """The launch form."""
    form = _form(session)
    context = _context(web, principal, form=form)
    return page(
        request, "training_new.html.jinja", {**context, "form": form, "groups": _groups(form)}
    )


@router.get("/training/{study_id}")
def study(
    request: Request, study_id: PathId, session: ReadSession, web: StateDep, principal: Reader
) -> Response:
    """One study, live."""
    found = control.found_study(session, study_id)
    body = present.study(session, found, rows.runs_of(session, [study_id])).model_dump(mode="json")
    context = {**_context(web, principal, study=body), "study": body}
    return page(request, "training_study.html.jinja", context)


def _context(web: AppState, principal: Principal, **data: Any) -> Context:
    may = {"train": principal.may("train"), "admin": principal.may("admin")}
    urls = {"api": API, "colormaps": web.static.url("colormaps.json")}
    return {"page": "training", "may": may, "data": {"may": may, "urls": urls, **data}}


def _form(session: Session) -> Context | None:
    return capabilities.get(session, capabilities.TRAINING)


def _groups(form: Context | None) -> list[Context]:
    """Return the form's fields by group, in the form's order; an unknown group comes last."""
    known = form or {"fields": []}
    clips = [{**field, "kind": "clips"} for field in clips_of(known)["fields"]]
    fields = [field for field in [*known["fields"], *clips] if field["name"] not in APART]
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
