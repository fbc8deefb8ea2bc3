"""The pages of an analysis and of all of a visitor's; what their templates get follows.

analysis.html.jinja
- `analysis`: Analysis JSON (contract of GET /api/v1/analyses/{id}).
- `media`: Media JSON, for others than its owner without the file's name; `seen`: the same with the
  shape and `links.view` of what the maps lie over.
- `rows`: [Card JSON] of the requested models in the request's order: one a table row.
- `stages`: ["early", "medium", "late", "combined"]: one a column.
- `heatmaps`: [Heatmap JSON] ready so far.
- `methods`: [{name, title, kind: "learnt" | "evidence" | "channels", description}] this analysis
  has asked for.
- `method_titles`: {name: title} of all methods, as they stand within a sentence.
- `all_models`: [Card JSON] of every model that looks at photos, to offer re-runs.
- `owner`: true if the visitor may cancel and delete.
- `data`: all of the above as one object for the JSON block (`analysis, media, rows, stages,
  heatmaps, methods, method_titles, all_models, owner, urls: {colormaps, api}`).

clip.html.jinja (the analysis of a clip): the same without `heatmaps`, for clips, and
- `tracks`: [Track JSON] ready so far (contract of GET /api/v1/analyses/{id}/tracks).
- `flow`: {npy, shape} of the snippets' mean flow, or none while it is not computed.

yours.html.jinja
- `items`: [ListedAnalysis JSON] of this visitor, newest first; `total`: how many there are.
- `filter`: {search, kind, from, to, zone} as chosen; "" where not. `filtered`: whether one is.
- `next`: the address of the older ones, or None; `first`: whether these are the newest.

The words and numbers of the scale rules are in `app.web.analyses.drawing.scale`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from typing import Any
from urllib.parse import urlencode

from fastapi import APIRouter, Request
from sqlalchemy.orm import Session
from starlette.responses import Response

from app.db import analyses as rows
from app.db import capabilities
from app.db import models as model_rows
from app.db.documents import Card
from app.db.tables import Analysis
from app.web.analyses import flow, present
from app.web.analyses.drawing import npy
from app.web.analyses.find import find_analysis
from app.web.analyses.picture import SIDE
from app.web.http import pagination
from app.web.http.deps import KnownVisitor, ReadSession, StateDep
from app.web.http.parameters import Cursor, PathId
from app.web.http.principal import MaybeUser
from app.web.http.schemas import API
from app.web.http.state import AppState
from app.web.http.templating import page
from app.web.media import copies
from app.web.media import present as media_present
from app.web.media.find import owns

router = APIRouter(include_in_schema=False, default_response_class=Response)
PART = 50
ZONE = re.compile(r"-?\d{1,3}")
STAGES = ("early", "medium", "late", "combined")
Context = dict[str, Any]


@router.get("/analyses/{analysis_id}")
def analysis(
    request: Request,
    analysis_id: PathId,
    session: ReadSession,
    web: StateDep,
    visitor: KnownVisitor,
    principal: MaybeUser,
) -> Response:
    """The table of one analysis."""
    row = find_analysis(session, analysis_id)
    owned = owns(row.media, visitor, principal)
    owner = row.owner == visitor
    data = _analysis_data(session, row, principal.viewer, owner=owner, owned=owned)
    if not owned:
        copies.prepare(web, row.media)
    data["urls"] = {"colormaps": web.static.url("colormaps.json"), "api": API}
    template = "analysis.html.jinja"
    if row.media.kind == "clip":
        template = "clip.html.jinja"
        data["tracks"] = _tracks(session, row)
        data["flow"] = _flow(web, session, row)
    else:
        maps = rows.heatmaps(session, row.id)
        data["heatmaps"] = [present.heatmap(m).model_dump(mode="json") for m in maps]
    return page(request, template, {"page": "analysis", **data, "data": data})


@router.get("/yours")
def yours(
    request: Request, session: ReadSession, visitor: KnownVisitor, cursor: Cursor = None
) -> Response:
    """All analyses of this visitor. The script adds older parts of the list to the first."""
    names = ("search", "kind", "from", "to", "zone")
    chosen = {name: request.query_params.get(name, "")[:100].replace("\0", "") for name in names}
    wanted = _wanted(chosen)
    fetch = partial(rows.page, session, visitor or "", wanted)
    found, following = pagination.fetch(fetch, PART, cursor)
    said = rows.first_predictions(session, found)
    query = urlencode({name: text for name, text in chosen.items() if text})
    context = {
        "page": "yours",
        "items": [present.listed(row, said.get(row.id)).model_dump(mode="json") for row in found],
        "total": rows.count(session, visitor or "", wanted),
        "filter": chosen,
        "filtered": wanted != rows.EVERY,
        "next": f"/yours?{query}{'&' if query else ''}cursor={following}" if following else None,
        "first": cursor is None,
    }
    return page(request, "yours.html.jinja", context)


def _wanted(chosen: dict[str, str]) -> rows.Wanted:
    """Return the conditions of the page's form; what cannot be read is left out.

    Days are those of the visitor: `zone` is how many minutes UTC is ahead of them.
    """
    zone = int(chosen["zone"]) if ZONE.fullmatch(chosen["zone"]) else 0
    return rows.Wanted(
        search=chosen["search"].strip(),
        kind=chosen["kind"] if chosen["kind"] in {"image", "clip"} else None,
        since=_moment(chosen["from"], timedelta(minutes=zone)),
        before=_moment(chosen["to"], timedelta(minutes=zone, days=1)),
    )


def _moment(day: str, later: timedelta) -> datetime | None:
    try:
        return datetime.combine(date.fromisoformat(day), time(), UTC) + later
    except (ValueError, OverflowError):
        return None


def _analysis_data(
    session: Session, row: Analysis, viewer: model_rows.Viewer, *, owner: bool, owned: bool
) -> Context:
    """Return what the page shows, all JSON; the job is read first, so nothing is older than it."""
    body = present.analysis(row, rows.predictions(session, row.id)).model_dump(mode="json")
    wanted = body["request"]
    cards = {known.id: known.card for known in model_rows.known_cards(session)}
    current = model_rows.cards(session, viewer)
    medium = media_present.media(row.media, owned=owned).model_dump(mode="json")
    return {
        "analysis": body,
        "media": medium,
        "seen": _seen(body, medium),
        "rows": [_public(cards[name]) for name in wanted["models"] if name in cards],
        "stages": list(STAGES),
        **_methods(session, wanted["methods"]),
        "all_models": [c for c in current if model_rows.media_kind(c) == row.media.kind],
        "owner": owner,
    }


def _seen(body: Context, medium: Context) -> Context:
    """Return the medium as the maps lie over it: a photo made small is a square picture."""
    if "place" not in body["request"]:
        return medium
    links = {**medium["links"], "view": body["links"]["view"]}
    return {**medium, "width": SIDE, "height": SIDE, "links": links}


def _public(card: Card) -> Context:
    """Return a row's card, for whoever was given the analysis's address: not who imported it."""
    return {name: value for name, value in card.items() if name != model_rows.PRIVATE}


def _tracks(session: Session, row: Analysis) -> list[Context]:
    tracks = present.tracks(rows.heatmaps(session, row.id))
    return [track.model_dump(mode="json") for track in tracks]


def _flow(web: AppState, session: Session, row: Analysis) -> Context | None:
    """Return where the mean flow is, and its shape; None while it is not computed."""
    if not flow.has_mean(web, session, row):
        return None
    shape = list(npy.load(flow.mean(web, session, row)).shape)
    return {"npy": f"{API}/analyses/{row.id}/flow.npy", "shape": shape}


def _methods(session: Session, wanted: Sequence[str]) -> Context:
    """Return the methods asked for, and what every method is called within a sentence."""
    known = capabilities.get(session, capabilities.METHODS) or {}
    unknown = {"kind": "evidence", "description": ""}  # no worker has published it yet
    titles = {name: name for name in wanted} | capabilities.method_titles(session)
    methods = [
        {
            "name": name,
            "title": titles[name][:1].upper() + titles[name][1:],
            **{key: known.get(name, unknown)[key] for key in unknown},
        }
        for name in wanted
    ]
    return {"methods": methods, "method_titles": titles}
