"""What others than the owner of a photo or clip get: no name of a file, and no metadata.

A photo is its view, a JPEG that our own encoder wrote. A clip is the copy in H.264 that is also
made where browsers cannot play the original; of a clip that they can play it is made once somebody
else asks for it.
"""

from __future__ import annotations

import re
from typing import Literal

from app.db.tables import Media

FILENAMES = {"image": "photo.jpg", "clip": "clip.mp4"}
TITLE = re.compile(r" \(“.*”\)", re.DOTALL)  # of a clip's track, in its notes: the file's words
NO_COPY = ""  # as `playable_key`: a copy was tried in vain
Playable = Literal["original", "waiting", "ready", "failed"]


def filename(medium: Media, *, owned: bool) -> str:
    """Return the file's name; for others what the copy that they get is called."""
    return medium.filename if owned else FILENAMES[medium.kind]


def note(medium: Media, *, owned: bool) -> str | None:
    """Return the remarks on how the file was read; for others without words from the file."""
    return medium.note if owned or medium.note is None else TITLE.sub("", medium.note)


def playable(medium: Media, *, owned: bool) -> str:
    """Return which file of a clip is played, as `Playable`, or "" for a photo."""
    if owned or medium.playable != "original":
        return medium.playable
    if medium.playable_key is None:
        return "waiting"
    return "failed" if medium.playable_key == NO_COPY else "ready"


def file_key(medium: Media, *, owned: bool) -> str | None:
    """Return the blob of the file; for others of their copy, None while a clip has none."""
    if owned:
        return medium.blob_key
    return medium.view_key if medium.kind == "image" else medium.playable_key or None
