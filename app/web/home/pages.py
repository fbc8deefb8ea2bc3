"""The home page and the page of the API; what their templates get follows.

home.html.jinja
- `examples`: [{name, title, true_class, href, poster}] from static/examples/.
- `recent`: [ListedAnalysis JSON] of this visitor, newest first, at most 12.
- `figure`: {title, answer, probability} of the model whose maps light the photo on the right.
- `keep_days`: how long an upload that is not used is kept; 0: for ever.
- `limits`: {max_image_bytes, max_pixels, max_side, min_side, max_clip_bytes, max_clip_seconds}.
- `models`: [Card JSON] in row order; empty while no worker has published any.

api.html.jinja
- `openapi`: the address of the OpenAPI document. `explorer_url('x.js')`: of a file of Swagger UI.
"""

from __future__ import annotations

import json
from typing import Any

from fastapi import APIRouter, Request
from sqlalchemy.orm import Session
from starlette.responses import RedirectResponse, Response

from app.db import analyses as rows
from app.db import models as model_rows
from app.web.analyses import present
from app.web.home import explorer
from app.web.http.deps import ReadSession, StateDep, Visitor
from app.web.http.principal import MaybeUser
from app.web.http.state import AppState
from app.web.http.templating import page

router = APIRouter(include_in_schema=False, default_response_class=Response)
RECENT = 12
Context = dict[str, Any]


@router.get("/")
def home(
    request: Request,
    session: ReadSession,
    web: StateDep,
    visitor: Visitor,
    principal: MaybeUser,
) -> Response:
    """The home page."""
    settings = web.settings
    image = ("max_image_bytes", "max_pixels", "max_side", "min_side")
    names = (*image, "max_clip_bytes", "max_clip_seconds")
    context = {
        "page": "home",
        "examples": examples(web),
        "recent": _recent(session, visitor),
        "figure": figure(web),
        "keep_days": settings.retention_days,
        "limits": {name: getattr(settings, name) for name in names},
        "models": model_rows.cards(session, principal.viewer),
    }
    return page(request, "home.html.jinja", context)


@router.get("/api")
def api(request: Request) -> Response:
    """What the REST API is for, and an explorer that sends requests."""
    context = {"page": "api", "openapi": request.app.openapi_url, "explorer_url": explorer.url}
    return page(request, "api.html.jinja", context)


@router.get(explorer.PREFIX + "/{path:path}")
def explorer_file(path: str, request: Request) -> Response:
    """A file of Swagger UI."""
    return explorer.swagger_ui().response(path, request)


@router.get("/docs")
def docs() -> Response:
    """Where people of other FastAPI servers look for the API."""
    return RedirectResponse("/api", status_code=308)


def examples(web: AppState) -> list[dict[str, str]]:
    """Return the photos and clips that static/examples/examples.json names, in its order."""
    index = web.static.root / "examples" / "examples.json"
    named = json.loads(index.read_text(encoding="utf-8")) if index.is_file() else []
    return [
        {
            "name": entry["file"],
            "title": entry["title"],
            "true_class": entry["truth"],
            "href": web.static.url(f"examples/{entry['file']}"),
            "poster": web.static.url(f"examples/{entry.get('poster', entry['file'])}"),
        }
        for entry in named
    ]


def figure(web: AppState) -> Context:
    """Return what static/home.json says but for the maps, which only the script reads."""
    stored = json.loads((web.static.root / "home.json").read_text(encoding="utf-8"))
    return {name: stored[name] for name in ("title", "answer", "probability")}


def _recent(session: Session, visitor: str) -> list[Context]:
    found = rows.page(session, visitor, rows.EVERY, RECENT)
    said = rows.first_predictions(session, found)
    return [present.listed(row, said.get(row.id)).model_dump(mode="json") for row in found]
