"""The pages of models, with what each template gets.

models.html.jinja
- `models`: [Card JSON].
- `data`: {models: [{id, title, media, curves, judged}]} for the JSON block; judged: in validation.

model.html.jinja
- `model`: Card JSON. `previous`, `next`: Card JSON or None.
- `data`: {model: {curves, judged}} for the JSON block.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from app.core.errors import NotFound
from app.core.shares import judged
from app.db import models as model_rows
from app.web.http.deps import ReadSession
from app.web.http.principal import MaybeUser
from app.web.http.templating import page

router = APIRouter(include_in_schema=False, default_response_class=Response)
CHART_KEYS = ("id", "title", "media", "curves")


@router.get("/models")
def models(request: Request, session: ReadSession, principal: MaybeUser) -> Response:
    """All models."""
    known = model_rows.cards(session, principal.viewer)
    cards = [{**card, "media": model_rows.media_kind(card)} for card in known]
    charts = [{**{key: card[key] for key in CHART_KEYS}, "judged": _judged(card)} for card in cards]
    data = {"models": charts}
    return page(request, "models.html.jinja", {"page": "models", "models": cards, "data": data})


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
