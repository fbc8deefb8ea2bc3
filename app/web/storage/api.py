"""What takes space on the server, by whom; for admins."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Request, status

from app.core.errors import NotFound
from app.db import usage
from app.media.retention import delete_all_of
from app.web.http.deps import ReadSession, StateDep
from app.web.http.parameters import errors
from app.web.http.principal import Admin, record
from app.web.storage import measure, schemas

router = APIRouter(prefix="/storage", tags=["storage"])
OwnerName = Annotated[
    str,
    Path(pattern=r"^(user:)?[0-9a-f]{32}$", description="An `owner` of the list of owners."),
]


@router.get("", summary="What takes space", responses=errors(401, 403))
def get_storage(session: ReadSession, web: StateDep, _: Admin) -> schemas.Storage:
    """Uploads by owner, and files by kind. Reads the sizes of all files."""
    return measure.storage(session, web)


@router.delete(
    "/{owner}",
    status_code=status.HTTP_204_NO_CONTENT,
    summary="Delete all uploads of an owner",
    responses=errors(401, 403, 404),
)
def remove(owner: OwnerName, request: Request, web: StateDep, principal: Admin) -> None:
    """Remove every photo, clip and analysis of a visitor or user. The audit has an entry."""
    with web.readers() as session:
        if usage.of(session, owner) == usage.Usage():
            raise NotFound("This owner has no uploads here.")
    files = delete_all_of(web.sessions, web.blobs, owner)
    with web.sessions.begin() as session:
        record(session, request, principal, "takedown.owner", owner, files=files)
