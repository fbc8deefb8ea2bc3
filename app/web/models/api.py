"""The models that workers offer."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Path

from app.core.errors import NotFound
from app.db import models
from app.web.http.deps import ReadSession
from app.web.http.parameters import errors
from app.web.http.schemas import Page
from app.web.models import schemas

router = APIRouter(prefix="/models", tags=["models"])


@router.get("", response_model=Page[schemas.Model], summary="List the models")
def list_models(session: ReadSession) -> Any:
    """Every model's card in the order of the table's rows; empty until a worker has started."""
    return {"items": [row.card for row in models.all_cards(session)], "next": None}


@router.get(
    "/{model_id}", response_model=schemas.Model, summary="A model's card", responses=errors(404)
)
def get_model(session: ReadSession, model_id: str = Path(pattern=r"^[A-Za-z0-9_.-]{1,64}$")) -> Any:
    """Mechanism, equation, paper, classes, accuracy, training curves and localisation."""
    if (row := models.get(session, model_id)) is None:
        raise NotFound("There is no model with this id; GET /api/v1/models lists them.")
    return row.card
