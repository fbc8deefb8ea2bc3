"""Photos and clips as the API's schemas."""

from __future__ import annotations

from app.db import tables as db
from app.web.http.schemas import API, columns
from app.web.media import schemas


def media(row: db.Media, *, stored: bool = False) -> schemas.Media:
    """Return a medium; `stored`: the visitor had uploaded the same file before."""
    address = f"{API}/media/{row.id}"
    view = f"{address}/view"
    links = schemas.MediaLinks(self=address, content=f"{address}/content", view=view)
    if row.kind == "clip":
        links.playable, links.poster, links.times = f"{address}/playable", view, f"{address}/times"
    playable = row.playable or None
    facts = {**columns(row, schemas.Media), "playable": playable, "stored": stored}
    return schemas.Media.model_validate({**facts, "links": links})
