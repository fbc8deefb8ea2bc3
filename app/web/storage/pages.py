"""The page of what takes space, for admins.

storage.html.jinja
- `storage`: Storage JSON. `days`: how long unused uploads of visitors are kept; 0: for ever.
- `owner`: one owner's name, whose `media` (Media JSON, the largest first) are listed; else None.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from app.db import usage
from app.web.http.deps import ReadSession, StateDep
from app.web.http.principal import Admin
from app.web.http.templating import page
from app.web.media import present
from app.web.storage import measure

router = APIRouter(include_in_schema=False, default_response_class=Response)
MOST_MEDIA = 200
Owner = Annotated[str | None, Query(pattern=r"^(user:)?[0-9a-f]{32}$")]


@router.get("/storage")
def storage(
    request: Request, session: ReadSession, web: StateDep, _: Admin, owner: Owner = None
) -> Response:
    """Show what takes space, or what one owner uploaded."""
    media = usage.media_of(session, owner, MOST_MEDIA) if owner else []
    context = {
        "page": "account",
        "storage": measure.storage(session, web).model_dump(mode="json"),
        "days": web.settings.retention_days,
        "owner": owner,
        "media": [present.media(row, owned=True).model_dump(mode="json") for row in media],
    }
    return page(request, "storage.html.jinja", context)
