"""The models of the table."""

from __future__ import annotations

from fastapi import APIRouter

from app.db import models
from app.web.http.deps import ReadSession
from app.web.http.parameters import errors
from app.web.http.principal import MaybeUser
from app.web.http.schemas import Page
from app.web.models.find import ModelDep
from app.web.models.schemas import Model

router = APIRouter(prefix="/models", tags=["models"])


@router.get("", summary="List the models")
def list_models(session: ReadSession, principal: MaybeUser) -> Page[Model]:
    """Every model's card in the order of the table's rows; empty until a worker has started.

    An imported model that is not published (`private_to`) is listed for its importer and admins.
    """
    cards = models.cards(session, principal.viewer)
    return Page(items=[Model.model_validate(card) for card in cards])


@router.get("/{model_id}", summary="A model's card", responses=errors(404))
def get_model(model: ModelDep) -> Model:
    """Mechanism, equation, paper, classes, accuracy, training curves and localisation."""
    return Model.model_validate(model.card)
