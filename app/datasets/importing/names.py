"""Names inside an archive: read in any script, cleaned for showing, never used as paths."""

from __future__ import annotations

import re

from app.core.errors import BadArchive
from ml.layouts.names import Parts, clean

LENGTH = 120  # of a class's name
WHOLE_LENGTH = 1024  # of a name with its folders
ARCHIVE_ENDINGS = (".zip", ".tar", ".gz", ".tgz", ".xz", ".txz", ".bz2", ".7z", ".rar")
DRIVE = re.compile(r"[A-Za-z]:[\\/]")  # and not a class such as "a: good"


def split_name(name: str) -> Parts:
    """Return an entry's folders and file name; BadArchive if it points out of the archive."""
    if len(name) > WHOLE_LENGTH:
        raise BadArchive(f"The archive has a name of more than {WHOLE_LENGTH} letters: shorten it.")
    if "/" not in name:  # some programs on Windows write backslashes
        name = name.replace("\\", "/")
    if name.startswith("/") or DRIVE.match(name):
        raise BadArchive(
            f"The archive has an entry with an absolute path ({shown(name)}). Pack the folder anew "
            "with relative names."
        )
    parts = [part for part in name.split("/") if part not in {"", "."}]
    if ".." in parts:
        raise BadArchive(
            f"The archive has an entry that points out of it ({shown(name)}). Pack the folder anew "
            "with plain names."
        )
    return tuple(clean(part) for part in parts)


def shown(name: str) -> str:
    """Return a name for a sentence: printable and shortened."""
    text = clean(name)
    return text if len(text) <= LENGTH else f"{text[: LENGTH - 1]}…"


def is_archive(parts: Parts) -> bool:
    """Return True if the name is an archive's."""
    return parts[-1].casefold().endswith(ARCHIVE_ENDINGS)
