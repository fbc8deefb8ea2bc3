"""The copy of a clip that browsers play, as a file."""

from __future__ import annotations

from pathlib import Path

from ml.media.clip.transcode import playable_copy


def copied(path: Path) -> Path:
    """Make the copy beside the clip."""
    copy = path.with_name("copy.mp4")
    with copy.open("wb") as file:

        def write(place: int, data: bytes, _: float) -> None:
            file.seek(place)
            file.write(data)

        playable_copy(path, write)
    return copy
