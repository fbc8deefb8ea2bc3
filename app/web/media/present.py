"""Photos and clips as the API's schemas."""

from __future__ import annotations

from app.db import tables as db
from app.media import sharing
from app.web.http.schemas import API, columns
from app.web.media import schemas


def media(row: db.Media, *, owned: bool, stored: bool = False) -> schemas.Media:
    """Return a medium as its owner, or as others see it (`app.media.sharing`).

    `stored`: the visitor had uploaded the same file before.
    """
    address = f"{API}/media/{row.id}"
    view = f"{address}/view"
    links = schemas.MediaLinks(self=address, content=f"{address}/content", view=view)
    if row.kind == "clip":
        links.playable, links.poster, links.times = f"{address}/playable", view, f"{address}/times"
    facts = columns(row, schemas.Media) | {
        "filename": sharing.filename(row, owned=owned),
        "note": sharing.note(row, owned=owned),
        "playable": sharing.playable(row, owned=owned) or None,
        "stored": stored,
    }
    return schemas.Media.model_validate({**facts, "links": links})
