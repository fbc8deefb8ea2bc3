"""The pages of models, with what each template gets.

models.html.jinja
- `models`: [Card JSON]. `study`: whether there is a page of the study.
- `data`: {models: [{id, title, media, curves, judged}]} for the JSON block; judged: in validation.

model.html.jinja
- `model`: Card JSON. `previous`, `next`: Card JSON or None.
- `data`: {model: {curves, judged}} for the JSON block.

study.html.jinja
- `study`: what `python -m ml study --page` wrote: {finished, total, titles, arms: [{name, title,
  tables: [{title, words, head, rows}], curves}], goals: [{what, goal, result, met}]}.
- `scenes`: [(name, words)] of the pictures in static/scenes/. `words`: heads of columns of words.
- `series`: [{id, title}] of the chart. `data`: {curves, titles} for the JSON block.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from app.core.errors import NotFound
from app.core.shares import judged
from app.db import models as model_rows
from app.web.http.deps import ReadSession, StateDep
from app.web.http.principal import MaybeUser
from app.web.http.templating import page

router = APIRouter(include_in_schema=False, default_response_class=Response)
STUDY = "comparison.json"  # in static/
SCENES = (
    ("ordinary", "as it is"),
    ("placed50", "placed at 50 %"),
    ("placed35", "at 35 %"),
    ("placed25", "at 25 %"),
    ("placed15", "at 15 %"),
    ("several", "the larger of three"),
    ("pieces", "on pieces of others"),
)
WORDS = ("model", "map", "stage", "masks of")
CHART_KEYS = ("id", "title", "media", "curves")


@router.get("/models")
def models(request: Request, session: ReadSession, web: StateDep, principal: MaybeUser) -> Response:
    """All models."""
    known = model_rows.cards(session, principal.viewer)
    cards = [{**card, "media": model_rows.media_kind(card)} for card in known]
    charts = [{**{key: card[key] for key in CHART_KEYS}, "judged": _judged(card)} for card in cards]
    context = {
        "page": "models",
        "models": cards,
        "study": (web.static.root / STUDY).is_file(),
        "data": {"models": charts},
    }
    return page(request, "models.html.jinja", context)


@router.get("/study")
def study(request: Request, web: StateDep) -> Response:
    """The shipped models' study, as far as its runs are finished."""
    path = web.static.root / STUDY
    if not path.is_file():
        raise NotFound("No run of the study is finished; the list of models shows what there is.")
    found = json.loads(path.read_text(encoding="utf-8"))
    names = list(dict.fromkeys(name for arm in found["arms"] for name in arm["curves"]))
    titles = found["titles"]
    context = {
        "page": "study",
        "study": found,
        "scenes": SCENES,
        "words": WORDS,
        "series": [{"id": name, "title": titles[name]} for name in names],
        "data": {"titles": titles, "curves": {a["name"]: a["curves"] for a in found["arms"]}},
    }
    return page(request, "study.html.jinja", context)


@router.get("/models/{model_id}")
def model(request: Request, model_id: str, session: ReadSession, principal: MaybeUser) -> Response:
    """One model."""
    cards = model_rows.cards(session, principal.viewer)
    ids = [card["id"] for card in cards]
    if model_id not in ids:
        raise NotFound("There is no model of this name; the list of models shows what there is.")
    place = ids.index(model_id)
    context = {
        "page": "model",
        "model": cards[place],
        "previous": cards[place - 1] if place > 0 else None,
        "next": cards[place + 1] if place + 1 < len(cards) else None,
        "data": {"model": {"curves": cards[place]["curves"], "judged": _judged(cards[place])}},
    }
    return page(request, "model.html.jinja", context)


def _judged(card: Mapping[str, Any]) -> int | None:
    return judged(card.get("metrics", {}))
