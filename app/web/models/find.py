"""The model of an address."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Path
from sqlalchemy.orm import Session

from app.core.errors import NotFound
from app.db import models as rows
from app.db.tables import ModelCard
from app.web.http.deps import ReadSession
from app.web.http.principal import MaybeUser

ModelId = Annotated[str, Path(pattern=r"^[A-Za-z0-9_.-]{1,64}$")]


def find_model(session: Session, model_id: str, viewer: rows.Viewer) -> ModelCard:
    """Return a model of the viewer's table; NotFound if there is none."""
    if (row := rows.get(session, model_id, viewer)) is None:
        raise NotFound("There is no model with this id; GET /api/v1/models lists them.")
    return row


def _model(model_id: ModelId, session: ReadSession, principal: MaybeUser) -> ModelCard:
    return find_model(session, model_id, principal.viewer)


ModelDep = Annotated[ModelCard, Depends(_model)]
