"""The file of a photo or clip as a request may have it: the original, or the copy for others."""

from __future__ import annotations

from sqlalchemy.orm import Session

from app.core.errors import Conflict, NotFound
from app.db.tables import Media
from app.jobs.parameters import MakePlayableJob
from app.media import sharing
from app.storage import keys
from app.web.http.state import AppState

MAKING = "A copy of the clip that browsers play is being made; try again in a few seconds."
NONE = (
    "No copy of the clip could be made that browsers play. Its analyses work all the "
    "same; to see it move, save it as MP4 (H.264) and upload that."
)
COPIED_AS = {"image": "image/jpeg", "clip": "video/mp4"}


def prepare(web: AppState, medium: Media) -> None:
    """Have a worker make the copy of a clip that others get, if there is none yet."""
    if medium.playable == "original":
        key = keys.playable(medium.id)
        if sharing.playable(medium, owned=False) == "waiting":
            params = MakePlayableJob(media_id=medium.id)
            web.pending.ask(web.sessions, key, params, medium.owner, _allow)
        else:
            web.pending.forget(key)


def check_playable(web: AppState, medium: Media, *, owned: bool) -> None:
    """Raise Conflict while the clip's copy is being made, NotFound if none could be."""
    if not owned:
        prepare(web, medium)
    state = sharing.playable(medium, owned=owned)
    if state == "waiting":
        raise Conflict(MAKING)
    if state == "failed":
        raise NotFound(NONE)


def file_key(web: AppState, medium: Media, *, owned: bool) -> str:
    """Return the blob of the file, or of the copy for others; raises as `check_playable` does."""
    if not owned and medium.kind == "clip":
        check_playable(web, medium, owned=False)
    key = sharing.file_key(medium, owned=owned)
    assert key is not None
    return key


def _allow(_: Session) -> None:
    """Each clip is copied once, so nothing is counted."""
