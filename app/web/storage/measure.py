"""What takes space: rows of uploads, and files by kind."""

from __future__ import annotations

import os
from pathlib import Path

from sqlalchemy.orm import Session

from app.core.settings import Settings
from app.db import usage
from app.web.http.state import AppState
from app.web.storage import schemas

MOST_OWNERS = 100
IN_HOME = ("runs", "cache", "logs")


def storage(session: Session, web: AppState) -> schemas.Storage:
    """Return what takes space; reads the sizes of all files."""
    return schemas.Storage(
        free_bytes=web.blobs.free_bytes(),
        uploads=schemas.Uploads(**vars(usage.of(session))),
        owners=[schemas.Owner(**vars(one)) for one in usage.by_owner(session, MOST_OWNERS)],
        folders=_folders(web.settings),
    )


def _folders(settings: Settings) -> list[schemas.Folder]:
    """Return the folders of the blobs and those of HOME, the largest first."""
    blobs = settings.blob_dir
    places = [path for path in blobs.iterdir() if path.is_dir() and path.name[0] != "."]
    places += [settings.home / name for name in IN_HOME if (settings.home / name).is_dir()]
    found = [_measured(path) for path in places]
    return sorted((one for one in found if one.files), key=lambda one: -one.bytes)


def _measured(folder: Path) -> schemas.Folder:
    size = files = 0
    for root, _, names in os.walk(folder):
        for name in names:
            try:
                size += Path(root, name).lstat().st_size
                files += 1
            except FileNotFoundError:  # deleted meanwhile
                continue
    return schemas.Folder(name=folder.name, bytes=size, files=files)
