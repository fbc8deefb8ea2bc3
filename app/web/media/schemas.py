"""Schemas of photos and clips. Their field names are part of the API."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import Field

from app.web.http import examples
from app.web.http.schemas import Answer, Id, OfClip, example


class MediaLinks(Answer):
    """Addresses of a photo or clip; `playable`, `poster` and `times` of a clip only."""

    self: str
    content: str
    view: str
    playable: OfClip[str] = None
    poster: OfClip[str] = None
    times: OfClip[str] = None


class FrameTimes(Answer):
    """When each frame of a clip is shown, in seconds from the first; ascending."""

    times_s: list[float]


class Media(Answer):
    """A photo or clip as it was uploaded; `width` and `height` are those after rotation."""

    model_config = example(examples.MEDIA)

    id: Id
    kind: Literal["image", "clip"]
    filename: str = Field(
        description="The file's name; for others than its owner `photo.jpg` or `clip.mp4`."
    )
    format: str
    content_type: str
    width: int
    height: int
    frames: int
    fps: float | None
    duration_s: float | None
    bytes: int
    sha256: str
    note: str | None = Field(description="A remark on how the file was read, for people.")
    codec: str | None = Field(description="Of a clip: h264, hevc, vp9, ...")
    playable: Literal["original", "waiting", "ready", "failed"] | None = Field(
        description="Of a clip: whether browsers play the original, or a copy of it, as others "
        "than its owner always do."
    )
    created_at: datetime
    stored: bool = Field(description="True if this visitor had uploaded the same file before.")
    links: MediaLinks
