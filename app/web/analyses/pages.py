"""The pages: each gives one template its context. What every template gets, by name, follows.

All of them (globals of the template environment):
- `static_url('x.js')`: address of a file of static/, with a hash in its path; relative imports
  and `url()`s inside these files keep working, because the hash stands for the whole folder.
- `vendor_url('plotly.min.js')`: address of the plotly script of the installed package.
- `version`: of Sightline. `page`: `home`, `analysis`, `models`, `model`, `api` or `error`.
- The API's own page is at `/api`.
- `data | json_block`: safe JSON for `<script type="application/json" id="...">`; `<`, `>` and `&`
  come out escaped.

home.html.jinja
- `examples`: [{name, title, true_class, href, poster}] from static/examples/.
- `recent`: [Analysis JSON plus {filename, view}] of this visitor, newest first, at most 12.
- `limits`: {max_image_bytes, max_pixels, max_side, min_side, max_clip_bytes, max_clip_seconds}.
- `models`: [Card JSON] in row order; empty while no worker has published any.

analysis.html.jinja
- `analysis`: Analysis JSON (contract of GET /api/v1/analyses/{id}).
- `media`: Media JSON.
- `rows`: [Card JSON] of the requested models in row order: one a table row.
- `stages`: ["early", "medium", "late", "combined"]: one a column.
- `heatmaps`: [Heatmap JSON] ready so far.
- `methods`: [{name, title, kind: "learnt" | "evidence" | "channels"}] this analysis has asked for.
- `all_models`: [Card JSON] of every model that looks at photos, to offer `plain-imagenet` and
  re-runs.
- `owner`: true where the visitor may cancel and delete.
- `data`: all of the above as one object for the JSON block (`analysis, media, rows, stages,
  heatmaps, methods, all_models, owner, urls: {colormaps, api}`).

clip.html.jinja (the analysis of a clip): the same without `heatmaps`, for clips, and
- `tracks`: [Track JSON] ready so far (contract of GET /api/v1/analyses/{id}/tracks).
- `flow`: {npy, shape} of the snippets' mean flow, or none while it is not computed.

models.html.jinja
- `models`: [Card JSON].

model.html.jinja
- `model`: Card JSON. `previous`, `next`: Card JSON or none.
- `data`: {model, urls: {plotly}} for the JSON block.

api.html.jinja
- `title`, `summary`, `curl`: of the API. `groups`: [{name, operations: [{method, path, summary,
  description, parameters: [{name, where, description, type, required}], body, answer}]}], where
  `body` and `answer` are example JSON as text, or none.

error.html.jinja (also without a database)
- `status`: 404. `title`: "Not found". `detail`: a sentence that says what to do.

Scale rules (words and numbers in `app.web.analyses.drawing.scale`).
"""

from __future__ import annotations

import json
from typing import Any

from fastapi import APIRouter, Request
from sqlalchemy.orm import Session
from starlette.responses import RedirectResponse, Response

from app.core.errors import NotFound
from app.db import analyses as rows
from app.db import models as model_rows
from app.db.tables import Analysis
from app.web.analyses import flow, present
from app.web.analyses.create import looks_at
from app.web.analyses.drawing import npy
from app.web.http import apidocs
from app.web.http.deps import KnownVisitor, Reading, Server, Visitor
from app.web.http.parameters import PathId, find_analysis
from app.web.http.state import Web
from app.web.http.static import vendor_url
from app.web.http.templating import page

router = APIRouter(include_in_schema=False, default_response_class=Response)
STAGES = ("early", "medium", "late", "combined")
RECENT = 12
METHOD_TITLES = {
    "attention": ("Learnt mask", "learnt"),
    "attention-channels": ("Learnt mask, by channel", "channels"),
    "gradcam": ("Grad-CAM", "evidence"),
    "gradcampp": ("Grad-CAM++", "evidence"),
    "hirescam": ("HiResCAM", "evidence"),
    "layercam": ("LayerCAM", "evidence"),
    "xgradcam": ("XGrad-CAM", "evidence"),
}
Context = dict[str, Any]


@router.get("/")
def home(request: Request, session: Reading, web: Server, visitor: Visitor) -> Response:
    """The home page."""
    settings = web.settings
    image = ("max_image_bytes", "max_pixels", "max_side", "min_side")
    names = (*image, "max_clip_bytes", "max_clip_seconds")
    context = {
        "page": "home",
        "examples": examples(web),
        "recent": [_recent(session, row) for row in rows.recent(session, visitor, RECENT)],
        "limits": {name: getattr(settings, name) for name in names},
        "models": _cards(session),
    }
    return page(request, "home.html.jinja", context)


@router.get("/analyses/{analysis_id}")
def analysis(
    request: Request, analysis_id: PathId, session: Reading, web: Server, visitor: KnownVisitor
) -> Response:
    """The table of one analysis."""
    row = find_analysis(session, analysis_id)
    data = _analysis_data(session, row, owner=row.owner == visitor)
    data["urls"] = {"colormaps": web.static.url("colormaps.json"), "api": present.API}
    template = "analysis.html.jinja"
    if row.media.kind == "clip":
        template = "clip.html.jinja"
        data["tracks"] = _tracks(session, row)
        data["flow"] = _flow(web, session, row)
    else:
        found = rows.heatmaps(session, row.id)
        data["heatmaps"] = [present.heatmap(one).model_dump(mode="json") for one in found]
    return page(request, template, {"page": "analysis", **data, "data": data})


@router.get("/models")
def models(request: Request, session: Reading) -> Response:
    """All models."""
    cards = [{**card, "media": looks_at(card)} for card in _cards(session)]
    return page(request, "models.html.jinja", {"page": "models", "models": cards})


@router.get("/models/{model_id}")
def model(request: Request, model_id: str, session: Reading) -> Response:
    """One model."""
    cards = _cards(session)
    places = [index for index, card in enumerate(cards) if card["id"] == model_id]
    if not places:
        raise NotFound("There is no model of this name; the list of models shows what there is.")
    place = places[0]
    context = {
        "page": "model",
        "model": cards[place],
        "previous": cards[place - 1] if place > 0 else None,
        "next": cards[place + 1] if place + 1 < len(cards) else None,
        "data": {"model": cards[place], "urls": {"plotly": vendor_url("plotly.min.js")}},
    }
    return page(request, "model.html.jinja", context)


@router.get("/api")
def api(request: Request) -> Response:
    """The REST API, endpoint by endpoint, from the OpenAPI document."""
    document = request.app.openapi()
    return page(request, "api.html.jinja", {"page": "api", **apidocs.context(document)})


@router.get("/docs")
def docs() -> Response:
    """Where people of other FastAPI servers look for the API."""
    return RedirectResponse("/api", status_code=308)


def examples(web: Web) -> list[dict[str, str]]:
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


def _cards(session: Session) -> list[Context]:
    return [row.card for row in model_rows.all_cards(session)]


def _recent(session: Session, row: Analysis) -> Context:
    body = present.analysis(row, rows.predictions(session, row.id)).model_dump(mode="json")
    return {**body, "filename": row.media.filename, "view": body["links"]["view"]}


def _analysis_data(session: Session, row: Analysis, *, owner: bool) -> Context:
    """Return what the page shows, all JSON; the job is read first, so nothing is older than it."""
    body = present.analysis(row, rows.predictions(session, row.id)).model_dump(mode="json")
    asked = body["request"]
    models = asked["models"]
    return {
        "analysis": body,
        "media": present.media(row.media).model_dump(mode="json"),
        "rows": [known.card for known in model_rows.known_cards(session) if known.id in models],
        "stages": list(STAGES),
        "methods": [_method(name) for name in asked["methods"]],
        "all_models": [card for card in _cards(session) if looks_at(card) == row.media.kind],
        "owner": owner,
    }


def _tracks(session: Session, row: Analysis) -> list[Context]:
    found = present.tracks(rows.heatmaps(session, row.id))
    return [track.model_dump(mode="json") for track in found]


def _flow(web: Web, session: Session, row: Analysis) -> Context | None:
    """Return where the mean flow is, and its shape; none while it is not computed."""
    if not flow.has_mean(web, session, row):
        return None
    shape = list(npy.load(flow.mean(web, session, row)).shape)
    return {"npy": f"{present.API}/analyses/{row.id}/flow.npy", "shape": shape}


def _method(name: str) -> dict[str, str]:
    title, kind = METHOD_TITLES.get(name, (name, "evidence"))
    return {"name": name, "title": title, "kind": kind}
