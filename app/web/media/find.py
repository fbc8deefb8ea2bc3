"""The photo or clip of an address."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends
from sqlalchemy.orm import Session

from app.core.errors import NotFound
from app.db import media as rows
from app.db.tables import Media
from app.web.http.deps import KnownVisitor, ReadSession
from app.web.http.parameters import PathId
from app.web.http.principal import MaybeUser, Principal


def find_media(session: Session, media_id: str) -> Media:
    """Return a medium; NotFound if there is none."""
    if (row := rows.get(session, media_id)) is None:
        raise NotFound("There is no photo or clip with this id. It may have been deleted.")
    return row


def _media(media_id: PathId, session: ReadSession) -> Media:
    return find_media(session, media_id)


MediaDep = Annotated[Media, Depends(_media)]


def owns(medium: Media, visitor: str | None, principal: Principal) -> bool:
    """Return True for the owner and for admins: they see the file as it came, with its name."""
    return medium.owner == visitor or principal.may("admin")


async def _owned(medium: MediaDep, visitor: KnownVisitor, principal: MaybeUser) -> bool:
    return owns(medium, visitor, principal)


Owned = Annotated[bool, Depends(_owned)]
