"""Names inside an archive: read in any script, cleaned for showing, never used as paths."""

from __future__ import annotations

import re
import unicodedata

from app.core.errors import BadArchive

LENGTH = 120  # of a class's name
WHOLE_LENGTH = 1024  # of a name with its folders
IMAGE_ENDINGS = frozenset(
    (".jpg", ".jpeg", ".jfif", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".avif")
)
CLIP_ENDINGS = frozenset(
    (".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".mpg", ".mpeg", ".wmv", ".flv", ".ogv")
)
ARCHIVE_ENDINGS = (".zip", ".tar", ".gz", ".tgz", ".xz", ".txz", ".bz2", ".7z", ".rar")
OS_METADATA = frozenset(("__macosx", "thumbs.db", "desktop.ini"))
DRIVE = re.compile(r"[A-Za-z]:")
Parts = tuple[str, ...]


def split_name(name: str) -> Parts:
    """Return an entry's folders and file name; BadArchive if it points out of the archive."""
    if len(name) > WHOLE_LENGTH:
        raise BadArchive(f"The archive has a name of more than {WHOLE_LENGTH} letters: shorten it.")
    if "/" not in name:  # some programs on Windows write backslashes
        name = name.replace("\\", "/")
    if name.startswith(("/", "\\")) or DRIVE.match(name):
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


def clean(part: str) -> str:
    """Return one part of a name in NFC, with unprintable letters replaced."""
    composed = unicodedata.normalize("NFC", part.encode("utf-8", "replace").decode())
    letters = (letter if letter.isprintable() else "\ufffd" for letter in composed)
    return "".join(letters).strip() or "\ufffd"


def shown(name: str) -> str:
    """Return a name for a sentence: printable and shortened."""
    text = clean(name)
    return text if len(text) <= LENGTH else f"{text[: LENGTH - 1]}…"


def repaired(raw: bytes) -> str:
    """Return a name from its bytes: UTF-8 if they are valid, else code page 437."""
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("cp437")


def is_os_metadata(parts: Parts) -> bool:
    """Return True for what systems put into folders by themselves; it is not reported."""
    return any(part.startswith(".") or part.casefold() in OS_METADATA for part in parts)


def is_image(parts: Parts) -> bool:
    """Return True if the name is an image's."""
    return _ending(parts) in IMAGE_ENDINGS


def is_clip(parts: Parts) -> bool:
    """Return True if the name is a clip's."""
    return _ending(parts) in CLIP_ENDINGS


def _ending(parts: Parts) -> str:
    _, dot, ending = parts[-1].rpartition(".")
    return f"{dot}{ending}".casefold()


def is_archive(parts: Parts) -> bool:
    """Return True if the name is an archive's."""
    return parts[-1].casefold().endswith(ARCHIVE_ENDINGS)
